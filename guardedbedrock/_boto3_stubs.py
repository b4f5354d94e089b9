"""
The types of boto3's clients, from whichever distribution of stubs is installed; imported by type checkers only.

``boto3-stubs[bedrock-runtime]`` installs the first module, ``types-boto3-bedrock-runtime`` the second. A star import of a module
that is not installed adds no name, so that the other one provides it. An import by name in a ``try`` would have the type `Any`.
"""

# ruff: noqa: F403

from mypy_boto3_bedrock_runtime import *  # type: ignore[import-not-found,unused-ignore]
from types_boto3_bedrock_runtime import *  # type: ignore[import-not-found,assignment,unused-ignore]
