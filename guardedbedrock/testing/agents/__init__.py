"""Agents, flows and knowledge bases: ``bedrock-agent`` and ``bedrock-agent-runtime``."""

from __future__ import annotations

from guardedbedrock.testing.agents.runtime import AgentRuntime
from guardedbedrock.testing.agents.service import Agents

__all__ = ["AgentRuntime", "Agents"]
