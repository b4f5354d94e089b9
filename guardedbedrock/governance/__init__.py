"""Tools for the people who own the policies: replay, proof, lint, generation and reports."""
