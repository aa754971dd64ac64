"""What the staff of an installation does about its users: figures and accounts, no content."""
