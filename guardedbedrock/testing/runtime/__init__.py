"""The operations of ``bedrock-runtime``."""

from guardedbedrock.testing.runtime.replies import Citation, ModelReply, Reasoning, ScriptedReply, ToolUse, named_tools, prose
from guardedbedrock.testing.runtime.service import Runtime

__all__ = ["Citation", "ModelReply", "Reasoning", "Runtime", "ScriptedReply", "ToolUse", "named_tools", "prose"]
