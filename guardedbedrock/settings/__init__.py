"""Settings: their definition, sources and error messages."""
