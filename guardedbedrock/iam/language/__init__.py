"""The policy language: documents, their grammar, reading and writing."""
