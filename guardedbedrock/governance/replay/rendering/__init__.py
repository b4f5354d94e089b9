"""The report of a replay as text, as Markdown and as a page."""
