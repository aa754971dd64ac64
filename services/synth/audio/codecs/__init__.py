"""One segment: from an engine's PCM to packets that can be joined."""
