"""The web around the features: the application, errors as problems, uploads, downloads."""
