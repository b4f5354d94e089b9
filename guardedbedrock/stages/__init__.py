"""
The stages of a call, in order: `inject`, `authorize`, `send`, and for the reply `reply` or `stream`.

A stage does no I/O: `send` is given the function that calls AWS. `retry` holds the retry policy of `send`.
"""
