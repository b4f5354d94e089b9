"""The newest OpenAI SDK, on httpx2."""

from frameworks.openai_sdk import *  # noqa: F403  # the tests
