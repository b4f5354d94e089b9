"""The parts of an agent: action groups, knowledge bases and collaborators."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from guardedbedrock.testing.agents.agents_and_flows.versions import DRAFT
from guardedbedrock.testing.agents.errors import conflict, not_found
from guardedbedrock.testing.wire.pages import page

if TYPE_CHECKING:
    from collections.abc import Callable

    from guardedbedrock.testing.wire import ApiParams

_CONTEXT: Final = ("agentId", "agentVersion")


@dataclass(frozen=True, slots=True, kw_only=True)
class PartKind:
    """
    A kind of part, with the names that the service model uses for it.

    Args:
        noun: Its name in messages.
        entry: Member of a response that contains a part.
        summaries: Member of a response that contains the list.
        identifier: Member with its ID.
        prefix: Start of new IDs; ``""`` if the request has the ID of an existing resource.
        name: Member whose value is unique in a version of an agent.
        stored: Member of a request to the member under which a part stores it.
        defaults: Members of a part that a request can leave out.
        summary: Members in the list.
        updated: Member with the time of the last change.
        state: Member that must be ``DISABLED`` before the part can be deleted; ``""`` for none.
    """

    noun: str
    entry: str
    summaries: str
    identifier: str
    prefix: str
    name: str
    stored: Mapping[str, str]
    summary: tuple[str, ...]
    defaults: Mapping[str, str] = field(default_factory=dict)
    updated: str = "updatedAt"
    state: str = ""


def _same(*names: str) -> dict[str, str]:
    return {name: name for name in names}


AGENT_PARTS: Final = (
    PartKind(
        noun="action group",
        entry="agentActionGroup",
        summaries="actionGroupSummaries",
        identifier="actionGroupId",
        prefix="ACTIO",
        name="actionGroupName",
        stored={
            **_same("actionGroupName", "description", "parentActionGroupSignatureParams", "actionGroupExecutor", "apiSchema"),
            **_same("functionSchema", "actionGroupState"),
            "parentActionGroupSignature": "parentActionSignature",
        },
        summary=("actionGroupId", "actionGroupName", "actionGroupState", "description", "updatedAt"),
        defaults={"actionGroupState": "ENABLED"},
        state="actionGroupState",
    ),
    PartKind(
        noun="knowledge base",
        entry="agentKnowledgeBase",
        summaries="agentKnowledgeBaseSummaries",
        identifier="knowledgeBaseId",
        prefix="",
        name="knowledgeBaseId",
        stored=_same("knowledgeBaseId", "description", "knowledgeBaseState"),
        summary=("knowledgeBaseId", "description", "knowledgeBaseState", "updatedAt"),
        defaults={"knowledgeBaseState": "ENABLED"},
    ),
    PartKind(
        noun="collaborator",
        entry="agentCollaborator",
        summaries="agentCollaboratorSummaries",
        identifier="collaboratorId",
        prefix="COLLA",
        name="collaboratorName",
        stored=_same("agentDescriptor", "collaboratorName", "collaborationInstruction", "relayConversationHistory"),
        summary=(
            *(*_CONTEXT, "collaboratorId", "agentDescriptor", "collaboratorName", "collaborationInstruction"),
            *("relayConversationHistory", "createdAt", "lastUpdatedAt"),
        ),
        defaults={"relayConversationHistory": "DISABLED"},
        updated="lastUpdatedAt",
    ),
)


class AgentParts:
    """
    The parts of one kind, of all agents. The parts of a draft are frozen with it.

    Args:
        kind: The kind.
        find_version: Returns a version of an agent, or raises ``ResourceNotFoundException``.
        new_id: Returns a new ID that begins with a prefix.
    """

    def __init__(self, kind: PartKind, find_version: Callable[[str, str], Any], new_id: Callable[[str], str]) -> None:
        self._kind, self._find_version, self._new_id = kind, find_version, new_id
        self._parts: dict[tuple[str, str], dict[str, ApiParams]] = {}

    def create(self, params: ApiParams) -> ApiParams:
        """
        Add a part to the draft.

        Raises:
            ServiceError: ``ConflictException`` (409) for a name in use.
        """
        parts, now = self._of_version(params), datetime.now(UTC)
        self._check_name(parts, params)
        identifier = self._new_id(self._kind.prefix) if self._kind.prefix else params[self._kind.identifier]
        parts[identifier] = {
            **self._kind.defaults,
            **self._given(params),
            **{name: params[name] for name in _CONTEXT},
            self._kind.identifier: identifier,
            "createdAt": now,
            self._kind.updated: now,
        }
        return {self._kind.entry: parts[identifier]}

    def get(self, params: ApiParams) -> ApiParams:
        """Return a part."""
        return {self._kind.entry: self._find(params)}

    def list(self, params: ApiParams) -> ApiParams:
        """Return the parts of a version of an agent."""
        parts = self._of_version(params).values()
        shown = [{name: part[name] for name in self._kind.summary if name in part} for part in parts]
        return page(self._kind.summaries, shown, params)

    def update(self, params: ApiParams) -> ApiParams:
        """
        Change the members that are given.

        Raises:
            ServiceError: As `create`.
        """
        part = self._find(params)
        others = {name: each for name, each in self._of_version(params).items() if each is not part}
        self._check_name(others, params)
        part |= {**self._given(params), self._kind.updated: datetime.now(UTC)}
        return {self._kind.entry: part}

    def delete(self, params: ApiParams) -> ApiParams:
        """
        Delete a part of the draft.

        Raises:
            ServiceError: ``ConflictException`` (409) for an enabled action group, except with ``skipResourceInUseCheck``.
        """
        part = self._find(params)
        if part.get(self._kind.state) == "ENABLED" and not params.get("skipResourceInUseCheck"):
            raise conflict(f"The {self._kind.noun} is enabled. Disable it first, or set skipResourceInUseCheck.")
        del self._of_version(params)[part[self._kind.identifier]]
        return {}

    def freeze(self, agent: str, version: str) -> None:
        """Copy the parts of the draft to a new version."""
        parts = deepcopy(self._parts.get((agent, DRAFT), {}))
        self._parts[agent, version] = {name: {**part, "agentVersion": version} for name, part in parts.items()}

    def remove(self, agent: str) -> None:
        """Remove the parts of a deleted agent."""
        self._parts = {key: parts for key, parts in self._parts.items() if key[0] != agent}

    def _given(self, params: ApiParams) -> ApiParams:
        return {stored: params[name] for name, stored in self._kind.stored.items() if name in params}

    def _check_name(self, parts: Mapping[str, ApiParams], params: ApiParams) -> None:
        name = self._kind.name
        if any(part[name] == params[name] for part in parts.values()):
            raise conflict(f"The {self._kind.noun} {params[name]} already exists in this version of the agent.")

    def _of_version(self, params: ApiParams) -> dict[str, ApiParams]:
        key = params["agentId"], params["agentVersion"]
        self._find_version(*key)
        return self._parts.setdefault(key, {})

    def _find(self, params: ApiParams) -> ApiParams:
        parts, identifier = self._of_version(params), params[self._kind.identifier]
        if identifier not in parts:
            raise not_found(f"The {self._kind.noun} {identifier} does not exist in agent {params['agentId']}.")
        return parts[identifier]
