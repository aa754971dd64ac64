"""Public listen links: who has the secret of one may listen to a document, without an account."""
