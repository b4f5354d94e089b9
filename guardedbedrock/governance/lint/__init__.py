"""Lint IAM policies for Amazon Bedrock: find what AWS rejects, what has no effect, and what lets an unguarded call through."""
