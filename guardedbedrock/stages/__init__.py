"""
The stages of a call, in order: `inject`, `authorize`, `send`, and for the reply `reply` or `stream`.

A stage does no I/O itself. `send` receives the function that calls AWS; `Rules` holds the functions that look up the caller and
the attached guardrails. `retry` holds the retry policy of `send`.
"""
