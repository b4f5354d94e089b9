"""The last OpenAI SDK on httpx."""

from frameworks.openai_sdk import *  # noqa: F403  # the tests
