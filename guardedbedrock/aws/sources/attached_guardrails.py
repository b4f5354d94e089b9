"""
The guardrails of agents and flows, from AWS: looked up once for each alias, and again after `SECONDS`.

Source: Bedrock API Reference, "GetAgentAlias", "GetAgentVersion", "ListAgentCollaborators", "GetFlowAlias", "GetFlowVersion".
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from time import monotonic
from typing import Any, Final
from urllib.parse import urlsplit

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from guardedbedrock.aws.host_suffixes import aws_host_suffixes
from guardedbedrock.aws.own_clients import make_own_client
from guardedbedrock.aws.sources.identity import credentials_of
from guardedbedrock.bedrock.guardrail.location import OF_FLOW
from guardedbedrock.bedrock.indirect_inference import Attachment, IndirectTarget, agents_in, alias_of
from guardedbedrock.errors import SourceError
from guardedbedrock.forks import ForkSafeLock

MOST_ENTRIES: Final = 1024
"""Aliases that are remembered; the oldest is forgotten first."""
SECONDS: Final = 300.0
"""How long an answer is used, in seconds: the alias may be changed to another version."""
NO_CREDENTIALS: Final = "the client has no credentials to call bedrock-agent with"
_DRAFT: Final = "DRAFT"


class AttachedGuardrails:
    """
    Finds the guardrails of an agent alias or flow alias, and remembers them.

    Args:
        client: The client whose credentials and endpoint are used; None for boto3's default session.
        clock: Returns seconds.
    """

    def __init__(self, client: Any = None, *, clock: Callable[[], float] = monotonic) -> None:
        self._client, self._clock = client, clock
        self._lock = ForkSafeLock()
        # Cache, keyed by the alias and the Region: an invocation would wait for AWS. An entry counts for 300 s.
        self._found: OrderedDict[tuple[IndirectTarget, str], tuple[float, Attachment]] = OrderedDict()

    def __call__(self, target: IndirectTarget, region: str) -> Attachment:
        """
        Return the guardrails of an alias.

        Raises:
            SourceError: AWS did not answer; the next call asks again.
        """
        known = self.known(target, region)
        return known if known is not None else self.ask(target, region, self._agent_client)

    def known(self, target: IndirectTarget, region: str) -> Attachment | None:
        """Return what AWS answered for an alias a short time ago; None if AWS has to be called."""
        with self._lock:
            asked_at, found = self._found.get((target, region), (None, None))
        return None if asked_at is None or self._clock() - asked_at > SECONDS else found

    def ask(self, target: IndirectTarget, region: str, make_client: Callable[[str], Any]) -> Attachment:
        """
        Ask AWS for the guardrails of an alias.

        Raises:
            SourceError: AWS did not answer.
        """
        try:
            client = make_client(region)
            found = (_flow_attachment if target.kind == "flow-alias" else _agent_attachment)(client, target)
        except (BotoCoreError, ClientError) as error:
            raise failure_of(error) from error
        with self._lock:
            self._found[target, region] = (self._clock(), found)
            self._found.move_to_end((target, region))
            if len(self._found) > MOST_ENTRIES:
                self._found.popitem(last=False)
        return found

    def _agent_client(self, region: str) -> Any:
        if self._client is None:
            return make_own_client(boto3.client, "bedrock-agent", region_name=region)
        return agent_client(self._client, credentials_of(self._client, NO_CREDENTIALS).get_frozen_credentials())


def agent_client(client: Any, frozen: Any) -> Any:
    """
    Create a client of ``bedrock-agent`` beside another client, with frozen credentials.

    An endpoint that is not AWS's, such as a gateway or a fake, also serves ``bedrock-agent``.
    """
    host = urlsplit(client.meta.endpoint_url).hostname or ""
    own = {} if host.endswith(aws_host_suffixes()) else {"endpoint_url": client.meta.endpoint_url}
    return make_own_client(
        boto3.client,
        "bedrock-agent",
        region_name=client.meta.region_name,
        aws_access_key_id=frozen.access_key,
        aws_secret_access_key=frozen.secret_key,
        aws_session_token=frozen.token,
        verify=getattr(client._endpoint.http_session, "_verify", None),  # noqa: SLF001  # botocore has no public way to it
        **own,
    )


def failure_of(error: BotoCoreError | ClientError) -> SourceError:
    """Describe an error by its code; its message may repeat what was sent."""
    if isinstance(error, ClientError):
        return SourceError(f"{error.operation_name} of bedrock-agent failed with {error.response['Error']['Code']}")
    return SourceError(f"bedrock-agent did not answer: {type(error).__name__}")


def _agent_attachment(client: Any, target: IndirectTarget) -> Attachment:
    alias = client.get_agent_alias(agentId=target.owner, agentAliasId=target.alias)["agentAlias"]
    versions = [_agent_version(client, target.owner, route["agentVersion"]) for route in _routes(alias, "agentVersion")]
    refs = [version.get("guardrailConfiguration") or {} for version in versions]
    supervisors = (one for one in versions if one.get("agentCollaboration", "DISABLED") != "DISABLED")
    return Attachment(
        tuple((ref.get("guardrailIdentifier"), ref.get("guardrailVersion")) for ref in refs),
        tuple(agent for one in supervisors for agent in _collaborators(client, target.owner, one["version"])),
    )


def _agent_version(client: Any, agent: str, version: str) -> Any:
    if version == _DRAFT:
        draft = client.get_agent(agentId=agent)["agent"]
        return {**draft, "version": _DRAFT}
    return client.get_agent_version(agentId=agent, agentVersion=version)["agentVersion"]


def _collaborators(client: Any, agent: str, version: str) -> Iterator[IndirectTarget]:
    pages = client.get_paginator("list_agent_collaborators").paginate(agentId=agent, agentVersion=version)
    for page in pages:
        yield from (alias_of(one["agentDescriptor"].get("aliasArn")) for one in page["agentCollaboratorSummaries"])


def _flow_attachment(client: Any, target: IndirectTarget) -> Attachment:
    alias = client.get_flow_alias(flowIdentifier=target.owner, aliasIdentifier=target.alias)
    flows = [_flow_version(client, target.owner, route["flowVersion"]) for route in _routes(alias, "flowVersion")]
    return Attachment(
        tuple(ref for flow in flows for ref in OF_FLOW.read_all(flow)),
        tuple(agent for flow in flows for agent in agents_in(flow.get("definition"))),
    )


def _flow_version(client: Any, flow: str, version: str) -> Any:
    if version == _DRAFT:
        return client.get_flow(flowIdentifier=flow)
    return client.get_flow_version(flowIdentifier=flow, flowVersion=version)


def _routes(alias: Any, member: str) -> list[Any]:
    """
    Return the routes of an alias.

    Raises:
        SourceError: It has none, so AWS does not report what answers.
    """
    routes = alias.get("routingConfiguration") or []
    if not routes or any(not route.get(member) for route in routes):
        raise SourceError("the alias routes to no version")
    return list(routes)
