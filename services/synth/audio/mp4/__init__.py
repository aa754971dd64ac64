"""AAC in MP4: M4A and M4B."""
