"""Action groups, knowledge bases and collaborators of agents, versions in use, tags, and executions of flows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import boto3
import pytest
from botocore.exceptions import ClientError

from guardedbedrock.iam import PolicySet
from guardedbedrock.testing import FakeBedrock, FakeKnowledgeBase

if TYPE_CHECKING:
    from collections.abc import Iterator

ROLE: Final = "arn:aws:iam::123456789012:role/Agents"
MODEL: Final = "amazon.nova-lite-v1:0"
FUNCTIONS: Final = {"functions": [{"name": "days_left", "parameters": {"employee": {"type": "string"}}}]}
ALIAS: Final = "arn:aws:bedrock:us-east-1:123456789012:agent-alias/AGENT6B86B/ALIASD4735"
NODES: Final = [
    {"name": "Begin", "type": "Input", "configuration": {"input": {}}, "outputs": [{"name": "document", "type": "String"}]},
    {"name": "End", "type": "Output", "configuration": {"output": {}}},
]
CONNECTION: Final = {
    "type": "Data",
    "name": "through",
    "source": "Begin",
    "target": "End",
    "configuration": {"data": {"sourceOutput": "document", "targetInput": "document"}},
}


@pytest.fixture
def fake() -> Iterator[FakeBedrock]:
    with FakeBedrock(knowledge_bases=[FakeKnowledgeBase("HANDBOOK01", ["Twelve days of leave."])]) as running:
        yield running


@pytest.fixture
def client(fake: FakeBedrock) -> Any:
    return boto3.client("bedrock-agent", **fake.client_kwargs())


@pytest.fixture
def draft(client: Any) -> dict[str, str]:
    agent = client.create_agent(agentName="hr", foundationModel=MODEL)["agent"]["agentId"]
    return {"agentId": agent, "agentVersion": "DRAFT"}


@pytest.fixture
def flow(client: Any) -> str:
    definition = {"nodes": NODES, "connections": [CONNECTION]}
    return str(client.create_flow(name="answers", executionRoleArn=ROLE, definition=definition)["id"])


def test_an_action_group_keeps_its_schema_until_it_is_deleted(client: Any, draft: dict[str, str]) -> None:
    """An enabled group is in use. After the deletion the next request on the same connection works: HTTP 204 has no body."""
    made = client.create_agent_action_group(
        **draft, actionGroupName="leave", actionGroupExecutor={"customControl": "RETURN_CONTROL"}, functionSchema=FUNCTIONS
    )["agentActionGroup"]
    group = {**draft, "actionGroupId": made["actionGroupId"]}
    changed = client.update_agent_action_group(**group, actionGroupName="absence")["agentActionGroup"]

    with pytest.raises(ClientError, match=r"ConflictException.*The action group is enabled"):
        client.delete_agent_action_group(**group)
    client.update_agent_action_group(**group, actionGroupName="absence", actionGroupState="DISABLED")
    client.delete_agent_action_group(**group)

    assert made["actionGroupState"] == "ENABLED"
    assert (changed["actionGroupName"], changed["functionSchema"]) == ("absence", made["functionSchema"])
    assert client.list_agent_action_groups(**draft)["actionGroupSummaries"] == []
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        client.get_agent_action_group(**group)


def test_an_action_group_of_aws_has_its_signature(client: Any, draft: dict[str, str]) -> None:
    """The service model names the member differently in requests and in responses."""
    made = client.create_agent_action_group(
        **draft, actionGroupName="input", parentActionGroupSignature="AMAZON.UserInput", actionGroupState="ENABLED"
    )

    assert made["agentActionGroup"]["parentActionSignature"] == "AMAZON.UserInput"


def test_a_knowledge_base_of_an_agent_exists_and_is_associated_once(client: Any, draft: dict[str, str]) -> None:
    base = {**draft, "knowledgeBaseId": "HANDBOOK01"}
    client.associate_agent_knowledge_base(**base, description="rules")

    with pytest.raises(ClientError, match="ConflictException"):
        client.associate_agent_knowledge_base(**base, description="rules")
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        client.associate_agent_knowledge_base(**{**base, "knowledgeBaseId": "UNKNOWN001"}, description="rules")
    client.update_agent_knowledge_base(**base, knowledgeBaseState="DISABLED")

    (found,) = client.list_agent_knowledge_bases(**draft)["agentKnowledgeBaseSummaries"]
    assert (found["description"], found["knowledgeBaseState"]) == ("rules", "DISABLED")
    client.disassociate_agent_knowledge_base(**base)
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        client.get_agent_knowledge_base(**base)


def test_a_collaborator_is_changed_and_removed(client: Any, draft: dict[str, str]) -> None:
    content = {"agentDescriptor": {"aliasArn": ALIAS}, "collaboratorName": "pay", "collaborationInstruction": "Answer."}
    made = client.associate_agent_collaborator(**draft, **content)["agentCollaborator"]
    key = {**draft, "collaboratorId": made["collaboratorId"]}

    client.update_agent_collaborator(**key, **{**content, "relayConversationHistory": "TO_COLLABORATOR"})

    assert client.get_agent_collaborator(**key)["agentCollaborator"]["relayConversationHistory"] == "TO_COLLABORATOR"
    client.disassociate_agent_collaborator(**key)
    assert client.list_agent_collaborators(**draft)["agentCollaboratorSummaries"] == []


def test_a_version_keeps_the_parts_of_its_draft(client: Any, draft: dict[str, str]) -> None:
    """A later change of the draft does not change the version."""
    made = client.create_agent_action_group(**draft, actionGroupName="leave")["agentActionGroup"]
    client.create_agent_alias(agentId=draft["agentId"], agentAliasName="live")

    client.delete_agent_action_group(**draft, actionGroupId=made["actionGroupId"], skipResourceInUseCheck=True)

    version = {**draft, "agentVersion": "1"}
    frozen = client.get_agent_action_group(**version, actionGroupId=made["actionGroupId"])["agentActionGroup"]
    assert (frozen["actionGroupName"], frozen["agentVersion"]) == ("leave", "1")
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        client.list_agent_action_groups(**{**draft, "agentVersion": "2"})


def test_a_version_that_an_alias_uses_is_not_deleted(client: Any, draft: dict[str, str]) -> None:
    """The number of a deleted version is not used again."""
    agent = draft["agentId"]
    alias = client.create_agent_alias(agentId=agent, agentAliasName="live")["agentAlias"]["agentAliasId"]

    with pytest.raises(ClientError, match=f"ConflictException.*{alias}"):
        client.delete_agent_version(agentId=agent, agentVersion="1")
    client.delete_agent_alias(agentId=agent, agentAliasId=alias)
    client.delete_agent_version(agentId=agent, agentVersion="1")

    again = client.create_agent_alias(agentId=agent, agentAliasName="live")["agentAlias"]
    assert again["routingConfiguration"] == [{"agentVersion": "2"}]


def test_an_update_keeps_the_time_of_creation_and_the_aliases(client: Any, draft: dict[str, str]) -> None:
    agent = draft["agentId"]
    before = client.get_agent(agentId=agent)["agent"]["createdAt"]
    client.create_agent_alias(agentId=agent, agentAliasName="live", description="for users")

    client.update_agent(agentId=agent, agentName="hr", foundationModel=MODEL, agentResourceRoleArn=ROLE)

    assert client.get_agent(agentId=agent)["agent"]["createdAt"] == before
    aliases = client.list_agent_aliases(agentId=agent)["agentAliasSummaries"]
    assert [each.get("description") for each in aliases] == [None, "for users"]


@pytest.mark.parametrize("kind", ["agent", "agent_alias", "flow", "flow_alias", "prompt", "knowledge_base", "data_source"])
def test_a_name_is_used_once(client: Any, draft: dict[str, str], flow: str, kind: str) -> None:
    """The second resource with the name is a conflict."""
    vectors = {"type": "VECTOR", "vectorKnowledgeBaseConfiguration": {"embeddingModelArn": f"arn:aws:bedrock:us-east-1::{MODEL}"}}
    calls: dict[str, dict[str, Any]] = {
        "agent": {"agentName": "twin", "foundationModel": MODEL},
        "agent_alias": {"agentId": draft["agentId"], "agentAliasName": "twin"},
        "flow": {"name": "twin", "executionRoleArn": ROLE},
        "flow_alias": {"flowIdentifier": flow, "name": "twin", "routingConfiguration": [{"flowVersion": "DRAFT"}]},
        "prompt": {"name": "twin"},
        "knowledge_base": {"name": "twin", "roleArn": ROLE, "knowledgeBaseConfiguration": vectors},
        "data_source": {"knowledgeBaseId": "HANDBOOK01", "name": "twin", "dataSourceConfiguration": {"type": "CUSTOM"}},
    }
    create = getattr(client, f"create_{kind}")
    create(**calls[kind])

    with pytest.raises(ClientError) as caught:
        create(**calls[kind])
    assert caught.value.response["Error"]["Code"] == "ConflictException"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 409


def test_every_kind_of_resource_has_tags(fake: FakeBedrock, client: Any, flow: str) -> None:
    """Given at its creation, changed, and gone with the resource. An application uses them in its policies."""
    runtime = boto3.client("bedrock-agent-runtime", **fake.client_kwargs())
    agent = client.create_agent(agentName="tagged", foundationModel=MODEL, tags={"team": "hr"})["agent"]
    prompt = client.create_prompt(name="greeting", tags={"team": "hr"})
    routes = [{"flowVersion": "DRAFT"}]
    alias = client.create_flow_alias(flowIdentifier=flow, name="live", routingConfiguration=routes, tags={"team": "hr"})
    session = runtime.create_session(tags={"team": "hr"})
    prompt_version = client.create_prompt_version(promptIdentifier=prompt["id"], tags={"team": "hr"})
    agent_alias = client.create_agent_alias(agentId=agent["agentId"], agentAliasName="live", tags={"team": "hr"})["agentAlias"]
    arns = [agent["agentArn"], prompt["arn"], prompt_version["arn"], alias["arn"], agent_alias["agentAliasArn"]]

    for arn in [*arns, session["sessionArn"]]:
        owner = runtime if ":session/" in arn else client
        owner.tag_resource(resourceArn=arn, tags={"stage": "test"})
        assert owner.list_tags_for_resource(resourceArn=arn)["tags"] == {"team": "hr", "stage": "test"}
        owner.untag_resource(resourceArn=arn, tagKeys=["team", "unknown"])
        assert owner.list_tags_for_resource(resourceArn=arn)["tags"] == {"stage": "test"}

    client.delete_agent(agentId=agent["agentId"], skipResourceInUseCheck=True)
    client.delete_prompt(promptIdentifier=prompt["id"])
    client.delete_flow(flowIdentifier=flow, skipResourceInUseCheck=True)
    for arn in arns:
        with pytest.raises(ClientError, match="ResourceNotFoundException"):
            client.list_tags_for_resource(resourceArn=arn)


def test_tags_need_an_arn_of_a_resource(client: Any) -> None:
    """The pattern of the service model is wrong, so that the fake has its own."""
    with pytest.raises(ClientError, match="ValidationException"):
        client.list_tags_for_resource(resourceArn="arn:aws:s3:::a-bucket-and-no-agent")


def test_a_policy_on_tags_decides_for_agents() -> None:
    """The tags of an agent are resource tags of its authorization."""
    condition = {"StringEquals": {"aws:ResourceTag/team": "hr"}}
    statements = [
        {"Effect": "Allow", "Action": ["bedrock:CreateAgent", "bedrock:TagResource"], "Resource": "*"},
        {"Effect": "Allow", "Action": "bedrock:GetAgent", "Resource": "*", "Condition": condition},
    ]
    policies = PolicySet(identity=[{"Version": "2012-10-17", "Statement": statements}])
    with FakeBedrock(policies=policies) as fake:
        client = boto3.client("bedrock-agent", **fake.client_kwargs())
        tagged = client.create_agent(agentName="a", foundationModel=MODEL, tags={"team": "hr"})["agent"]["agentId"]
        other = client.create_agent(agentName="b", foundationModel=MODEL, tags={"team": "it"})["agent"]["agentId"]

        assert client.get_agent(agentId=tagged)["agent"]["agentName"] == "a"
        with pytest.raises(ClientError, match="AccessDeniedException"):
            client.get_agent(agentId=other)


def test_an_execution_of_a_flow_runs_and_succeeds(fake: FakeBedrock, client: Any, flow: str) -> None:
    """Its snapshot is the flow at the start."""
    runtime = boto3.client("bedrock-agent-runtime", **fake.client_kwargs())
    alias = {"flowIdentifier": flow, "flowAliasIdentifier": "TSTALIASID"}
    inputs = [{"nodeName": "Begin", "nodeOutputName": "document", "content": {"document": "hello"}}]
    arn = runtime.start_flow_execution(**alias, inputs=inputs)["executionArn"]
    execution = {**alias, "executionIdentifier": arn}

    statuses = [runtime.get_flow_execution(**execution)["status"] for _ in range(3)]
    client.update_flow(flowIdentifier=flow, name="answers", executionRoleArn=ROLE, definition={"nodes": NODES[:1]})
    events = runtime.list_flow_execution_events(**execution, eventType="Node")["flowExecutionEvents"]
    snapshot = runtime.get_execution_flow_snapshot(**execution)

    assert statuses == ["Running", "Succeeded", "Succeeded"]
    assert events[0]["nodeInputEvent"]["fields"][0]["content"] == {"document": "hello"}
    assert events[1]["nodeOutputEvent"]["nodeName"] == "End"
    assert events[1]["nodeOutputEvent"]["fields"][0]["content"] == {"document": "You said: hello"}
    assert [node["name"] for node in json.loads(snapshot["definition"])["nodes"]] == ["Begin", "End"]
    with pytest.raises(ClientError, match="ConflictException"):
        runtime.stop_flow_execution(**execution)


def test_an_execution_is_stopped_and_listed(fake: FakeBedrock, flow: str) -> None:
    runtime = boto3.client("bedrock-agent-runtime", **fake.client_kwargs())
    alias = {"flowIdentifier": flow, "flowAliasIdentifier": "TSTALIASID"}
    inputs = [{"nodeName": "Begin", "nodeOutputName": "document", "content": {"document": "hello"}}]
    for name in ("first", "second"):
        runtime.start_flow_execution(**alias, inputs=inputs, flowExecutionName=name)

    with pytest.raises(ClientError, match="ConflictException"):
        runtime.start_flow_execution(**alias, inputs=inputs, flowExecutionName="first")
    runtime.stop_flow_execution(**alias, executionIdentifier="first")

    found = runtime.list_flow_executions(flowIdentifier=flow)["flowExecutionSummaries"]
    assert [(each["executionArn"].rpartition("/")[2], each["status"]) for each in found] == [
        ("second", "Running"),
        ("first", "Aborted"),
    ]
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        runtime.get_flow_execution(**alias, executionIdentifier="third")


@pytest.mark.parametrize(
    ("nodes", "connections", "expected"),
    [
        (NODES, [CONNECTION], []),
        ([], [], ["MissingStartingNodes", "MissingEndingNodes"]),
        (NODES, [], ["UnreachableNode"]),
        (NODES, [CONNECTION, {**CONNECTION, "name": "again"}], ["DuplicateConnections"]),
        (NODES, [CONNECTION, {**CONNECTION, "name": "lost", "target": "Nowhere"}], ["UnknownConnectionTarget"]),
        (NODES, [CONNECTION, {**CONNECTION, "name": "lost", "source": "Nowhere"}], ["UnknownConnectionSource"]),
    ],
)
def test_the_definition_of_a_flow_is_validated(client: Any, nodes: Any, connections: Any, expected: list[str]) -> None:
    found = client.validate_flow_definition(definition={"nodes": nodes, "connections": connections})

    assert [each["type"] for each in found["validations"]] == expected
