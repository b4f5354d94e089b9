"""The gate: what is signed and sent is what was authorized."""
