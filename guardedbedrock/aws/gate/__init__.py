"""The gate: what is serialized, signed and sent is what was authorized."""
