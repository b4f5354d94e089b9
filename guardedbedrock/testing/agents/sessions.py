"""The operations on sessions, their invocations and the steps of an invocation."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from itertools import count
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from guardedbedrock.testing.agents.errors import conflict, not_found
from guardedbedrock.testing.wire import ApiParams
from guardedbedrock.testing.wire.pages import page

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from guardedbedrock.testing.agents.tags import AgentTags

_ACTIVE: Final = "ACTIVE"
_IDENTITY: Final = ("sessionArn", "sessionId", "sessionStatus")
_CREATED: Final = (*_IDENTITY, "createdAt")
_SUMMARY: Final = (*_CREATED, "lastUpdatedAt")
_STEP_SUMMARY: Final = ("invocationId", "invocationStepId", "invocationStepTime", "sessionId")


class Sessions:
    """
    The sessions. A session keeps its invocations, and an invocation its steps, until the session is deleted.

    Args:
        prefix: ARN of the region and account, up to the type of the resource.
        tags: The tags of all resources.
    """

    def __init__(self, prefix: str, tags: AgentTags) -> None:
        self._prefix, self._numbers, self._tags = f"{prefix}session/", count(1), tags
        self._sessions: dict[str, ApiParams] = {}
        self._invocations: dict[tuple[str, str], ApiParams] = {}
        self._steps: dict[tuple[str, str, str], ApiParams] = {}

    def create(self, params: ApiParams) -> ApiParams:
        """Create a session."""
        identifier, now = self._new_id(), datetime.now(UTC)
        given: ApiParams = {name: params[name] for name in ("encryptionKeyArn", "sessionMetadata") if name in params}
        self._sessions[identifier] = {
            **given,
            "sessionId": identifier,
            "sessionArn": self._prefix + identifier,
            "sessionStatus": _ACTIVE,
            "createdAt": now,
            "lastUpdatedAt": now,
        }
        self._tags.put(self._prefix + identifier, params)
        return _members(self._sessions[identifier], _CREATED)

    def get(self, params: ApiParams) -> ApiParams:
        """Return a session."""
        return self._session(params)

    def list(self, params: ApiParams) -> ApiParams:
        """Return all sessions."""
        return page("sessionSummaries", [_members(each, _SUMMARY) for each in self._sessions.values()], params)

    def update(self, params: ApiParams) -> ApiParams:
        """Replace the metadata of a session."""
        session = self._active(params)
        session["lastUpdatedAt"] = datetime.now(UTC)
        if "sessionMetadata" in params:
            session["sessionMetadata"] = params["sessionMetadata"]
        return _members(session, _SUMMARY)

    def end(self, params: ApiParams) -> ApiParams:
        """End a session. Its content stays readable."""
        session = self._active(params)
        session |= {"sessionStatus": "ENDED", "lastUpdatedAt": datetime.now(UTC)}
        return _members(session, _IDENTITY)

    def delete(self, params: ApiParams) -> ApiParams:
        """
        Delete a session with its content.

        Raises:
            ServiceError: ``ConflictException`` (409) for a session that has not ended.
        """
        session = self._session(params)
        if session["sessionStatus"] == _ACTIVE:
            raise conflict(f"Session {session['sessionId']} is active. End it before you delete it.")
        identifier = session["sessionId"]
        del self._sessions[identifier]
        self._tags.remove(session["sessionArn"])
        self._invocations = {key: each for key, each in self._invocations.items() if key[0] != identifier}
        self._steps = {key: each for key, each in self._steps.items() if key[0] != identifier}
        return {}

    def create_invocation(self, params: ApiParams) -> ApiParams:
        """
        Create an invocation.

        Raises:
            ServiceError: ``ConflictException`` (409) for an ID in use, or a session that has ended.
        """
        session, now = self._active(params), datetime.now(UTC)
        identifier = params.get("invocationId") or self._new_id()
        key = session["sessionId"], identifier
        if key in self._invocations:
            raise conflict(f"Invocation {identifier} already exists.")
        self._invocations[key] = {"sessionId": key[0], "invocationId": identifier, "createdAt": now}
        session["lastUpdatedAt"] = now
        return self._invocations[key]

    def list_invocations(self, params: ApiParams) -> ApiParams:
        """Return the invocations of a session."""
        session = self._session(params)["sessionId"]
        return page("invocationSummaries", [each for key, each in self._invocations.items() if key[0] == session], params)

    def put_step(self, params: ApiParams) -> ApiParams:
        """
        Add a step to an invocation.

        Raises:
            ServiceError: ``ConflictException`` (409) for an ID in use, or a session that has ended.
        """
        session = self._active(params)
        invocation = self._invocation(session, params)
        identifier = params.get("invocationStepId") or self._new_id()
        key = session["sessionId"], invocation, identifier
        if key in self._steps:
            raise conflict(f"Invocation step {identifier} already exists.")
        self._steps[key] = {
            "sessionId": key[0],
            "invocationId": invocation,
            "invocationStepId": identifier,
            "invocationStepTime": params["invocationStepTime"],
            "payload": params["payload"],
        }
        session["lastUpdatedAt"] = datetime.now(UTC)
        return {"invocationStepId": identifier}

    def get_step(self, params: ApiParams) -> ApiParams:
        """Return a step."""
        session = self._session(params)
        key = session["sessionId"], self._invocation(session, params), params["invocationStepId"]
        return {"invocationStep": _existing(self._steps, key, "Invocation step")}

    def list_steps(self, params: ApiParams) -> ApiParams:
        """Return the steps of a session, or of one invocation."""
        session = self._session(params)
        key = session["sessionId"], *([self._invocation(session, params)] if "invocationIdentifier" in params else [])
        found = [_members(each, _STEP_SUMMARY) for at, each in self._steps.items() if at[: len(key)] == key]
        return page("invocationStepSummaries", found, params)

    def _session(self, params: ApiParams) -> ApiParams:
        return _existing(self._sessions, params["sessionIdentifier"].rpartition("/")[2], "Session")

    def _active(self, params: ApiParams) -> ApiParams:
        session = self._session(params)
        if session["sessionStatus"] != _ACTIVE:
            raise conflict(f"Session {session['sessionId']} has the status {session['sessionStatus']} and cannot be changed.")
        return session

    def _invocation(self, session: ApiParams, params: ApiParams) -> str:
        key = session["sessionId"], params["invocationIdentifier"]
        return str(_existing(self._invocations, key, "Invocation")["invocationId"])

    def _new_id(self) -> str:
        """Return a UUID, the same in every run."""
        return str(UUID(bytes=sha256(f"session {next(self._numbers)}".encode()).digest()[:16]))


def _members(entry: ApiParams, names: Iterable[str]) -> ApiParams:
    return {name: entry[name] for name in names}


def _existing(entries: Mapping[Any, ApiParams], key: str | tuple[str, ...], kind: str) -> ApiParams:
    if key not in entries:
        identifier = key[-1] if isinstance(key, tuple) else key
        raise not_found(f"{kind} {identifier} does not exist.")
    return entries[key]
