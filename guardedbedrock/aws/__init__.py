"""
The only package that imports boto3.

- `client`: the guarded boto3 client
- `aio`: the guarded aiobotocore client
- `creation`: how clients become guarded: sessions, `wrap` and `install`
- `http`: guarded clients of httpx and httpx2, for SDKs that bring their own HTTP client
- `gate`: the check that what is serialized, signed and sent is what was authorized
- `signer`: Bedrock API keys, and checks of requests that other clients sign
- `sources`: identity, models and accounts, read from AWS
- `sinks`: audit records in CloudWatch Logs, alerts to SNS
"""
