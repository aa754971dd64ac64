"""How people are told: mail and webhooks."""
