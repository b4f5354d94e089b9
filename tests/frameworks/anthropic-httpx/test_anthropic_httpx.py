"""The last Anthropic SDK on httpx."""

from frameworks.anthropic_sdk import *  # noqa: F403  # the tests
