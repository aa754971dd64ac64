"""What other services are told of accounts: who there is, and which mails are to be sent."""
