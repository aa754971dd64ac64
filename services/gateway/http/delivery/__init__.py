"""Audio by signed URLs of the bucket or of CloudFront, where the settings say so."""
