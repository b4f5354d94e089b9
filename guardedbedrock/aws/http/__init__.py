"""
Guarded clients of httpx and httpx2, for SDKs that bring their own HTTP client, such as those of OpenAI and Anthropic.

- `endpoints`: which requests go to Bedrock
- `http_guard`: the guard that the transports share; it begins the exchange of each request
- `exchange`: the steps of one request and its response, without I/O
- `operation_reader`: the operation of a request and its parameters
- `credentials`: the credentials of a request, and the principal behind them
- `outgoing`: the request that is sent, unchanged or with its guardrail
- `refusals`: the errors of requests that the guard refuses because of their form
- `stream_observer`: observes a streamed response, chunk by chunk
- `events`: the events in the bytes of a streamed response
- `transport`: the transports and clients of both libraries, sync and async
- `smithy`: the plugin for `aws_sdk_bedrock_runtime`, which has a transport too
"""
