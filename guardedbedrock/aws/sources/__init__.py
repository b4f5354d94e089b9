"""Sources that read from AWS."""
