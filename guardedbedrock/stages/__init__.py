"""
The stages of a call, in the order in which it passes them: `inject`, `preflight`, `send`, `outcome`; `stream` and `retry`
serve the last two.

None of them does input or output of its own; what is asked of AWS is asked by the function that `send` is given.
"""
