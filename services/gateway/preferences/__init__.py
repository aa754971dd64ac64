"""How somebody likes to hear: voice, rate and language, for orders that name none."""
