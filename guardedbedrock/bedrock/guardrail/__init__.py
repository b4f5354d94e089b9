"""Guardrails: where calls carry them and what they do."""
