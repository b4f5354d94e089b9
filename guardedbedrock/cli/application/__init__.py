"""The commands for applications: configuration, one call, and what the guard would do with it."""
