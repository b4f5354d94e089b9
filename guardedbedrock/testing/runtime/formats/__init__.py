"""
The request and response bodies of InvokeModel, one module for each kind of format.

An intervention is reported in two members of the body or of the last chunk of a stream, never in a header.
"""

from guardedbedrock.testing.runtime.formats.families import (
    COMPUTED,
    body,
    check_body,
    check_completion,
    chunks,
    completion,
    completion_chunks,
    computed,
)

__all__ = [
    "COMPUTED",
    "body",
    "check_body",
    "check_completion",
    "chunks",
    "completion",
    "completion_chunks",
    "computed",
]
