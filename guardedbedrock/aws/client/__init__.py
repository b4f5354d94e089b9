"""The guarded boto3 client."""
