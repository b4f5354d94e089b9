"""The guarded boto3 client and the ways to create one."""
