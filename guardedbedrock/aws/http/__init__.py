"""
Guarded clients of httpx and httpx2, for SDKs that bring their own HTTP client, such as those of OpenAI and Anthropic.

- `endpoints`: which requests go to Bedrock
- `exchange`: the steps of one request and its response, without I/O
- `events`: the events in the bytes of a streamed response
- `transport`: the transports and clients of both libraries, sync and async
- `smithy`: the plugin for `aws_sdk_bedrock_runtime`, which has a transport too
"""
