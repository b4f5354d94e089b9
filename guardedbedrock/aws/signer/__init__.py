"""Signing: Bedrock API keys, and checks of requests that other clients sign."""
