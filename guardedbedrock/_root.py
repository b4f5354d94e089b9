"""
The roots of the error tree, in a leaf module that loads nothing.

They are not in `guardedbedrock.errors`, so that the policy engine can raise them without loading botocore. Every error has the
package as its ``__module__``: a traceback shows ``guardedbedrock.ConfigurationError``, the name to import.
"""

from __future__ import annotations


class GuardedBedrockError(Exception):
    """The base class of every error that guardedbedrock raises."""

    __module__ = "guardedbedrock"


class ConfigurationError(GuardedBedrockError):
    """The configuration is invalid. The message says what is wrong, where, and how to fix it."""

    __module__ = "guardedbedrock"
