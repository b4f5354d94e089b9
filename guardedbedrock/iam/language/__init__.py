"""The policy language: what a policy document may contain, how it is parsed and written, and AWS's size limits."""
