"""The guardrails of agents and flows, for async clients. AWS is called in a thread, so that no other task waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from botocore.exceptions import BotoCoreError

from guardedbedrock.aws.sources.attached_guardrails import (
    MOST_ENTRIES,
    NO_CREDENTIALS,
    AttachedGuardrails,
    agent_client,
    failure_of,
)
from guardedbedrock.aws.sources.identity import credentials_of
from guardedbedrock.bedrock.indirect_inference import Attachment, IndirectTarget
from guardedbedrock.errors import SourceError
from guardedbedrock.stages.indirect import MOST_TARGETS


class AsyncAttachedGuardrails(AttachedGuardrails):
    """Finds the guardrails of agents and flows with the credentials of an async client. Await `learn` before you call it."""

    def __init__(self, client: Any) -> None:
        super().__init__(client)
        self._failures: dict[tuple[IndirectTarget, str], SourceError] = {}

    async def learn(self, targets: Iterable[IndirectTarget], region: str) -> None:
        """Look up the guardrails of aliases, and of the agents that they call. If that fails, the next `__call__` raises."""
        aliases = [target for target in targets if target.kind in ("agent-alias", "flow-alias")]
        if not aliases:
            return
        try:
            frozen = await credentials_of(self._client, NO_CREDENTIALS).get_frozen_credentials()
        except SourceError as error:
            self._fail(aliases[0], region, error)
            return
        except BotoCoreError as error:  # of a credential provider
            self._fail(aliases[0], region, failure_of(error))
            return
        await asyncio.to_thread(self._walk, aliases, region, frozen)

    def _walk(self, aliases: list[IndirectTarget], region: str, frozen: Any) -> None:
        waiting, seen = list(aliases), set(aliases)
        while waiting and len(seen) <= MOST_TARGETS:
            target = waiting.pop()
            try:
                known = self.known(target, region)
                found = known or self.ask(target, region, lambda _region: agent_client(self._client, frozen))
            except SourceError as error:
                self._fail(target, region, error)
                continue
            new = [agent for agent in found.agents if agent.kind == "agent-alias" and agent not in seen]
            seen.update(new)
            waiting.extend(new)

    def _fail(self, target: IndirectTarget, region: str, error: SourceError) -> None:
        if len(self._failures) >= MOST_ENTRIES:
            self._failures.clear()
        self._failures[target, region] = error

    def __call__(self, target: IndirectTarget, region: str) -> Attachment:
        """
        Return the guardrails of an alias.

        Raises:
            SourceError: AWS did not answer.
        """
        known = self.known(target, region)
        if known is None:
            raise self._failures.pop((target, region), None) or SourceError("bedrock-agent was not called")
        return known
