"""Agents and flows of the fake, as the pages of a console use them: list, prepare, update, delete."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import boto3
import pytest
from botocore.exceptions import ClientError

from guardedbedrock.testing import FakeBedrock

if TYPE_CHECKING:
    from collections.abc import Iterator

ROLE: Final = "arn:aws:iam::123456789012:role/Agents"
MODEL: Final = "amazon.nova-lite-v1:0"


@pytest.fixture
def fake() -> Iterator[FakeBedrock]:
    with FakeBedrock() as fake:
        yield fake


@pytest.fixture
def client(fake: FakeBedrock) -> Any:
    return boto3.client("bedrock-agent", **fake.client_kwargs())


def agent(client: Any, name: str = "hr") -> str:
    return str(client.create_agent(agentName=name, foundationModel=MODEL)["agent"]["agentId"])


def flow(client: Any, name: str = "answers") -> str:
    return str(client.create_flow(name=name, executionRoleArn=ROLE)["id"])


def test_agents_and_flows_are_listed_apart(client: Any) -> None:
    agents, flows = [agent(client, name) for name in ("a", "b")], [flow(client, name) for name in ("c", "d")]

    assert [each["agentId"] for each in client.list_agents()["agentSummaries"]] == agents
    assert [each["id"] for each in client.list_flows()["flowSummaries"]] == flows


def test_a_list_of_agents_has_pages(client: Any) -> None:
    for number in range(5):
        agent(client, f"agent-{number}")

    pages = list(client.get_paginator("list_agents").paginate(PaginationConfig={"PageSize": 2}))

    assert [len(each["agentSummaries"]) for each in pages] == [2, 2, 1]


def test_an_agent_is_prepared_until_it_is_updated(client: Any) -> None:
    hr = agent(client)
    assert client.get_agent(agentId=hr)["agent"]["agentStatus"] == "NOT_PREPARED"

    assert client.prepare_agent(agentId=hr)["agentStatus"] == "PREPARED"
    assert client.list_agents()["agentSummaries"][0]["agentStatus"] == "PREPARED"

    client.update_agent(agentId=hr, agentName="hr", foundationModel=MODEL, agentResourceRoleArn=ROLE)
    assert client.get_agent(agentId=hr)["agent"]["agentStatus"] == "NOT_PREPARED"


def test_a_flow_is_prepared(client: Any) -> None:
    answers = flow(client)

    assert client.prepare_flow(flowIdentifier=answers)["status"] == "Prepared"
    assert client.get_flow(flowIdentifier=answers)["status"] == "Prepared"


def test_versions_and_aliases_are_listed_and_an_alias_moves(client: Any) -> None:
    hr = agent(client)
    live = client.create_agent_alias(agentId=hr, agentAliasName="live")["agentAlias"]["agentAliasId"]
    client.create_agent_alias(agentId=hr, agentAliasName="next")

    versions = [each["agentVersion"] for each in client.list_agent_versions(agentId=hr)["agentVersionSummaries"]]
    client.update_agent_alias(agentId=hr, agentAliasId=live, agentAliasName="live", routingConfiguration=[{"agentVersion": "2"}])

    routes = {
        each["agentAliasName"]: each["routingConfiguration"][0]["agentVersion"]
        for each in client.list_agent_aliases(agentId=hr)["agentAliasSummaries"]
    }
    assert (versions, routes) == (["DRAFT", "1", "2"], {"AgentTestAlias": "DRAFT", "live": "2", "next": "2"})


def test_a_deleted_agent_leaves_nothing(client: Any) -> None:
    hr, other = agent(client), agent(client, "other")
    client.create_agent_alias(agentId=hr, agentAliasName="live")

    with pytest.raises(ClientError, match="ConflictException"):
        client.delete_agent(agentId=hr)
    client.delete_agent(agentId=hr, skipResourceInUseCheck=True)

    assert [each["agentId"] for each in client.list_agents()["agentSummaries"]] == [other]
    for call in (client.get_agent, client.list_agent_aliases, client.list_agent_versions, client.delete_agent):
        with pytest.raises(ClientError, match="ResourceNotFoundException"):
            call(agentId=hr)


def test_a_flow_is_not_an_agent(client: Any) -> None:
    """Nor is an agent a flow."""
    hr, answers = agent(client), flow(client)

    for call, params in (
        (client.get_agent, {"agentId": answers}),
        (client.list_agent_aliases, {"agentId": answers}),
        (client.get_flow, {"flowIdentifier": hr}),
        (client.create_flow_version, {"flowIdentifier": hr}),
    ):
        with pytest.raises(ClientError, match="ResourceNotFoundException"):
            call(**params)


def test_a_flow_is_not_invoked_as_an_agent(fake: FakeBedrock, client: Any) -> None:
    """Nor is an agent invoked as a flow."""
    runtime, hr, answers = boto3.client("bedrock-agent-runtime", **fake.client_kwargs()), agent(client), flow(client)
    inputs = [{"nodeName": "Begin", "nodeOutputName": "document", "content": {"document": "hello"}}]
    as_agent = {"agentAliasId": "TSTALIASID", "sessionId": "s1", "inputText": "hello"}
    as_flow = {"flowAliasIdentifier": "TSTALIASID", "inputs": inputs}

    for call, params in (
        (runtime.invoke_agent, {**as_agent, "agentId": answers}),
        (runtime.invoke_flow, {**as_flow, "flowIdentifier": hr}),
        (runtime.start_flow_execution, {**as_flow, "flowIdentifier": hr}),
    ):
        with pytest.raises(ClientError, match="ResourceNotFoundException"):
            call(**params)
    assert list(runtime.invoke_agent(**as_agent, agentId=hr)["completion"])
    assert list(runtime.invoke_flow(**as_flow, flowIdentifier=answers)["responseStream"])


def test_a_deleted_alias_of_a_flow_is_gone(client: Any) -> None:
    answers = flow(client)
    client.create_flow_version(flowIdentifier=answers)
    alias = client.create_flow_alias(flowIdentifier=answers, name="live", routingConfiguration=[{"flowVersion": "1"}])["id"]
    assert len(client.list_flow_aliases(flowIdentifier=answers)["flowAliasSummaries"]) == 2

    client.delete_flow_alias(flowIdentifier=answers, aliasIdentifier=alias)

    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        client.get_flow_alias(flowIdentifier=answers, aliasIdentifier=alias)
    versions = client.list_flow_versions(flowIdentifier=answers)["flowVersionSummaries"]
    assert [each["version"] for each in versions] == ["1"]
