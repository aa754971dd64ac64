"""What becomes of the documents of a user who is gone."""
