"""
The response bodies of InvokeModel: one module for each format, and the table of model families.

An intervention is reported in two members of the body or of the last chunk of a stream, never in a header.
"""

from guardedbedrock.testing.runtime.formats.families import body, chunks

__all__ = ["body", "chunks"]
