"""What one transaction holds: events, inbox, jobs, and the effects that are carried out in it."""
