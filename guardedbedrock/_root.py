"""
The roots of the error tree, in a leaf that loads nothing.

They stand apart from `guardedbedrock.errors` so that the policy engine can raise them without loading botocore.
"""

from __future__ import annotations


class GuardedBedrockError(Exception):
    """Everything that guardedbedrock raises."""


class ConfigurationError(GuardedBedrockError):
    """What was configured can not be used; the message names the place and the mend."""
