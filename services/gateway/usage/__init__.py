"""What an owner uses of all that is bounded: what is shown here is what decides elsewhere."""
