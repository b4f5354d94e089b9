"""The newest Anthropic SDK, on httpx2."""

from frameworks.anthropic_sdk import *  # noqa: F403  # the tests
