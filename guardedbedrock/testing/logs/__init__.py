"""
Logs of calls.

- `trails`: generates CloudTrail files
- `invocation_log`: the model invocation log that the fake writes
- `filter_patterns`: evaluates filter patterns of CloudWatch Logs
"""
