"""What every feature of the gateway stands on: recording events, rights, locks, rows, changes."""
