"""What happens around handlers and jobs: consumed, retried, given up, sent on."""
