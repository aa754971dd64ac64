"""Audio: voices, spoken pages, audiobooks."""
