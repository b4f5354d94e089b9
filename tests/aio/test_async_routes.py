"""Knowledge bases, agents, flows and evaluations through guarded async clients."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, Final

import boto3
import pytest
from harness.clients import HR, ON_THE_SERVER, ROLE, WEAK, Recorder
from harness.routes import BATCH, INDIRECT, ROUTES, UNVERIFIABLE, Route, nodes, prompt_node

from guardedbedrock import ExplicitDenyError, Guard, GuardrailNotApprovedError, UnguardableOperationError, iam
from guardedbedrock.events import GuardrailIntervened, IndirectInference
from guardedbedrock.testing import FakeBedrock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.anyio
DENY: Final = {"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "*", "Resource": "*"}}
EVERY: Final = pytest.mark.parametrize("route", ROUTES.values(), ids=ROUTES)
APPROVED: Final = {"guardrailIdentifier": HR.arn, "guardrailVersion": HR.version}
ASKED: Final = {"sessionId": "session", "inputText": "hello"}


class Rig:
    """A fake, and guarded async clients of every service that call it."""

    def __init__(self, stack: AsyncExitStack) -> None:
        self.fake = stack.enter_context(FakeBedrock(guardrails=ON_THE_SERVER))
        self.recorder = Recorder()
        self._stack = stack

    async def client(self, service: str, **options: Any) -> Any:
        """Create a guarded client."""
        guard = Guard(**{"guardrails": [HR], "principal": ROLE, "listeners": [self.recorder], **options})
        return await self._stack.enter_async_context(guard.async_client(service, **self.fake.client_kwargs()))

    def build(self, service: str, method: str, **params: Any) -> Any:
        """Make a call on a plain sync client."""
        client = boto3.client(service, **self.fake.client_kwargs())
        try:
            return getattr(client, method)(**params)
        finally:
            client.close()

    async def call(self, route: Route, named: dict[str, str] | None = None, **options: Any) -> Any:
        """Make the call of a route, and read its stream."""
        if route.created:
            method, params = route.created
            self.build(route.service, method, **params)
            self.fake.reset()
        client = await self.client(route.service, **options)
        response = await getattr(client, route.method)(**route.write(named or {}))
        return [event async for event in response[route.stream]] if route.stream else response


@pytest.fixture(name="rig")
async def _rig(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Rig]:
    monkeypatch.delenv("AWS_BEARER_TOKEN_BEDROCK", raising=False)
    async with AsyncExitStack() as stack:
        yield Rig(stack)


@EVERY
async def test_the_approved_guardrail_arrives_in_every_structure(rig: Rig, route: Route) -> None:
    await rig.call(route)

    expected = {(HR.id if route.is_id_only else HR.arn, HR.version)}
    assert [route.sent(request) for request in rig.fake.requests] == [expected]


@EVERY
async def test_another_guardrail_is_refused(rig: Rig, route: Route) -> None:
    with pytest.raises(GuardrailNotApprovedError):
        await rig.call(route, route.guardrail(WEAK["guardrailIdentifier"], WEAK["guardrailVersion"]))

    assert rig.fake.requests == []


@EVERY
async def test_a_deny_policy_stops_the_call(rig: Rig, route: Route) -> None:
    with pytest.raises(ExplicitDenyError):
        await rig.call(route, policies=iam.PolicySet(identity=[DENY]))

    assert rig.fake.requests == []


VISIBLE: Final = {name: route for name, route in ROUTES.items() if route.shows}


@pytest.mark.parametrize("route", VISIBLE.values(), ids=VISIBLE)
async def test_an_intervention_is_reported(rig: Rig, route: Route) -> None:
    rig.fake.reply("The salary is high.", times=None)

    await rig.call(route)

    found = [event.intervention for event in rig.recorder.last.of(GuardrailIntervened)]
    assert [(one.operation, one.guardrail) for one in found] == [(route.operation, HR.id)]


async def test_batch_inference_is_refused(rig: Rig) -> None:
    client = await rig.client("bedrock")

    with pytest.raises(UnguardableOperationError):
        await client.create_model_invocation_job(**BATCH)

    assert rig.fake.requests == []


@pytest.mark.parametrize("name", ["agent", "optimize"])
async def test_refuse_stops_indirect_inference(rig: Rig, name: str) -> None:
    service, method, params = INDIRECT[name]
    client = await rig.client(service, on_indirect="refuse")

    with pytest.raises(UnguardableOperationError):
        await getattr(client, method)(**params)

    assert rig.fake.requests == []


def _agent(rig: Rig, guardrail: dict[str, str]) -> tuple[dict[str, str], str]:
    agent = rig.build("bedrock-agent", "create_agent", **ROUTES["create-agent"].write(guardrail))["agent"]["agentId"]
    alias = rig.build("bedrock-agent", "create_agent_alias", agentId=agent, agentAliasName="live")["agentAlias"]
    return {"agentId": agent, "agentAliasId": alias["agentAliasId"]}, alias["agentAliasArn"]


async def test_verify_asks_once_and_sends_the_call(rig: Rig) -> None:
    agent, arn = _agent(rig, APPROVED)
    definition = nodes(prompt_node(APPROVED), {"agent": {"agentAliasArn": arn}})
    flow = rig.build("bedrock-agent", "create_flow", name="flow", executionRoleArn=ROLE, definition=definition)["id"]
    rig.fake.reset()
    client = await rig.client("bedrock-agent-runtime", on_indirect="verify")

    for _ in range(2):
        reply = await client.invoke_agent(**agent, **ASKED)
        assert [event async for event in reply["completion"]]
    inputs = INDIRECT["flow"][2]["inputs"]
    answer = await client.invoke_flow(flowIdentifier=flow, flowAliasIdentifier="TSTALIASID", inputs=inputs)
    assert [event async for event in answer["responseStream"]]

    operations = [request.operation for request in rig.fake.requests]
    assert [operations.count(name) for name in ("GetAgentAlias", "GetAgentVersion", "InvokeAgent", "InvokeFlow")] == [1, 1, 2, 1]
    assert [event.rule for heard in rig.recorder.calls for event in heard.of(IndirectInference)] == ["verify"] * 3


async def test_verify_refuses_an_agent_without_an_approved_guardrail(rig: Rig) -> None:
    agent, _ = _agent(rig, {})
    client = await rig.client("bedrock-agent-runtime", on_indirect="verify")

    with pytest.raises(GuardrailNotApprovedError, match="has no guardrail"):
        await client.invoke_agent(**agent, **ASKED)


async def test_verify_refuses_if_the_lookup_fails(rig: Rig) -> None:
    client = await rig.client("bedrock-agent-runtime", on_indirect="verify")

    with pytest.raises(UnguardableOperationError, match="of bedrock-agent failed with ResourceNotFoundException"):
        await client.invoke_agent(agentId="AGENT00009", agentAliasId="TSTALIASID", **ASKED)


@pytest.mark.parametrize("name", UNVERIFIABLE)
async def test_verify_refuses_what_it_cannot_verify(rig: Rig, name: str) -> None:
    service, method, params = INDIRECT[name]
    client = await rig.client(service, on_indirect="verify")

    with pytest.raises(UnguardableOperationError, match="cannot be verified"):
        await getattr(client, method)(**params)

    assert rig.fake.requests == []
