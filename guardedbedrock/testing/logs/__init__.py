"""Logs of calls: generated trails, the invocation log that the fake writes, and the filter patterns of CloudWatch."""
