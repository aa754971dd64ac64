"""Links in mails: what each is good for, and what happens when somebody uses it."""
