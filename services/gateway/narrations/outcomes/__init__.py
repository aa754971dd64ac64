"""What became of the pages of narrations: counted, and which of them are missing."""
