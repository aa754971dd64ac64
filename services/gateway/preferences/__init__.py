"""How somebody likes to hear: voice and rate, for orders that name none."""
