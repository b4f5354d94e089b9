"""The operations of ``bedrock-runtime``, as the fake answers them."""

from guardedbedrock.testing.runtime.replies import Reasoning, Reply, Said, ToolUse, prose
from guardedbedrock.testing.runtime.service import Runtime

__all__ = ["Reasoning", "Reply", "Runtime", "Said", "ToolUse", "prose"]
