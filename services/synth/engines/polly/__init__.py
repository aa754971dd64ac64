"""Amazon Polly, over boto3."""
