"""What problem details say: which kinds there are, and what each means."""
