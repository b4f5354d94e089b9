"""Whether a request satisfies the formulas of a question, and how it looks."""
