"""
The bodies that models speak in InvokeModel: one module for each way of speaking, and a table of who speaks how.

A guardrail shows in two keys of the body, or of the last chunk of a stream, never in a header.
"""

from guardedbedrock.testing.runtime.formats.families import body, chunks

__all__ = ["body", "chunks"]
