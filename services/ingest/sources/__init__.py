"""Where documents come from: web addresses of strangers."""
