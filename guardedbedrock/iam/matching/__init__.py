"""Match the elements of a statement (principal, resource, condition) against a request."""
