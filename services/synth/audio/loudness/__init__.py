"""How loud a voice is, and the one gain that it gets."""
