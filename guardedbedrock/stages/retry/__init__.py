"""Retries: policy, classes of failures, the quota of a client, and the pause that a service asks for."""
