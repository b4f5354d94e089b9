"""Sinks that write to AWS."""
