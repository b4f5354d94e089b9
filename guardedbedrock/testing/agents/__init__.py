"""Agents, flows and knowledge bases: ``bedrock-agent`` and ``bedrock-agent-runtime``."""

from __future__ import annotations

from guardedbedrock.testing.agents.building import Agents
from guardedbedrock.testing.agents.runtime import AgentRuntime

__all__ = ["AgentRuntime", "Agents"]
