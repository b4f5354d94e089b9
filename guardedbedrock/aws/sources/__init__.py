"""Sources that ask AWS."""
