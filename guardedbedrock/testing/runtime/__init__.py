"""The operations of ``bedrock-runtime``."""

from guardedbedrock.testing.runtime.replies import Citation, ModelReply, Reasoning, ScriptedReply, ToolUse, prose
from guardedbedrock.testing.runtime.service import Runtime

__all__ = ["Citation", "ModelReply", "Reasoning", "Runtime", "ScriptedReply", "ToolUse", "prose"]
