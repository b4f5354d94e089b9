"""Whether one element of a statement matches a request."""
