"""What people do about a narration later: stop it, or have what failed tried again."""
