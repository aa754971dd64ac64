"""Documents are handed in, with a narration or without."""
