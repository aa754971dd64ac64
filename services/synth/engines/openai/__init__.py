"""Any server that speaks OpenAI's ``POST /audio/speech``."""
