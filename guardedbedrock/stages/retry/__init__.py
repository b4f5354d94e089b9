"""Retries: policy, failure classes, quota and `Retry-After`."""
