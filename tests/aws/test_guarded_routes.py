"""Knowledge bases, agents, flows and evaluations through guarded clients: what arrives, what is refused, what is reported."""

from __future__ import annotations

from contextlib import ExitStack, closing
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any, Final

import boto3
import pytest
from botocore.eventstream import EventStream
from harness.clients import HR, ON_THE_SERVER, POLICIES, PUBLIC, ROLE, WEAK, Recorder
from harness.routes import BATCH, INDIRECT, OPUS, ROUTES, UNVERIFIABLE, Route, agent_node, generation, nodes, prompt_node

from guardedbedrock import ExplicitDenyError, Guard, Guardrail, GuardrailNotApprovedError, UnguardableOperationError, iam
from guardedbedrock.errors import GuardrailInterventionError, ImplicitDenyError, RefusedError
from guardedbedrock.events import CallRefused, GuardrailInjected, GuardrailIntervened, IndirectInference, SentWithoutGuardrail
from guardedbedrock.testing import FakeBedrock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SERVICES: Final = ("bedrock", "bedrock-agent", "bedrock-agent-runtime")
FOREIGN: Final = Guardrail("arn:aws:bedrock:us-east-1:999999999999:guardrail/foreign00001", version="1", name="foreign")
EVERY: Final = pytest.mark.parametrize("route", ROUTES.values(), ids=ROUTES)
VISIBLE: Final = {name: route for name, route in ROUTES.items() if route.shows}
STREAMS: Final = {name: route for name, route in ROUTES.items() if route.stream}


def no_apply(guardrail: Guardrail) -> dict[str, Any]:
    """Write a policy that allows everything except applying a guardrail."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": ["bedrock:*", "iam:PassRole"], "Resource": "*"},
            {"Effect": "Deny", "Action": "bedrock:ApplyGuardrail", "Resource": guardrail.arn},
        ],
    }


ALL: Final = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": ["bedrock:*", "iam:PassRole"], "Resource": "*"}}


def drain(response: dict[str, Any]) -> None:
    """Read the event stream of a response, if it has one."""
    for value in response.values():
        if isinstance(value, EventStream):
            list(value)


class Env:
    """A fake, and guarded clients of every service that call it."""

    def __init__(self, stack: ExitStack) -> None:
        self.fake = stack.enter_context(FakeBedrock(guardrails=ON_THE_SERVER))
        self.recorder = Recorder()
        self.stack = stack

    def guard(self, **options: Any) -> Guard:
        """Create a guard."""
        defaults = {"guardrails": [HR, PUBLIC], "principal": ROLE, "listeners": [self.recorder]}
        return Guard(**{**defaults, **options})

    def client(self, service: str, **options: Any) -> Any:
        """Create a guarded client."""
        return self.stack.enter_context(closing(self.guard(**options).client(service, **self.fake.client_kwargs())))

    def plain(self, service: str) -> Any:
        """Create a plain client."""
        return self.stack.enter_context(closing(boto3.client(service, **self.fake.client_kwargs())))

    def call(self, route: Route, named: dict[str, str] | None = None, **options: Any) -> Any:
        """Make the call of a route, read its stream, and return the response."""
        if route.created:
            method, params = route.created
            getattr(self.plain(route.service), method)(**params)
            self.fake.reset()
        response = getattr(self.client(route.service, **options), route.method)(**route.write(named or {}))
        return [*response[route.stream]] if route.stream else response

    def sent(self, route: Route) -> list[set[tuple[str | None, str | None]]]:
        """Read the guardrails of every request that arrived."""
        return [route.sent(request) for request in self.fake.requests]


@pytest.fixture(name="env")
def _env(monkeypatch: pytest.MonkeyPatch) -> Iterator[Env]:
    monkeypatch.delenv("AWS_BEARER_TOKEN_BEDROCK", raising=False)
    with ExitStack() as stack:
        yield Env(stack)


def identifier(route: Route, guardrail: Guardrail) -> str:
    """Return the identifier that the guard injects on a route."""
    return guardrail.id if route.is_id_only else guardrail.arn


@EVERY
def test_the_approved_guardrail_arrives_in_every_structure(env: Env, route: Route) -> None:
    env.call(route)

    assert env.sent(route) == [{(identifier(route, HR), HR.version)}]
    assert env.recorder.calls[-1].of(GuardrailInjected) == [GuardrailInjected(HR, was_there=False)]


@EVERY
@pytest.mark.parametrize("given", ["identifier", "version", "both"])
def test_a_guardrail_that_is_given_in_part_is_completed(env: Env, route: Route, given: str) -> None:
    whole = route.guardrail(PUBLIC.id if given != "version" else HR.id, PUBLIC.version if given != "version" else HR.version)
    named = {
        "identifier": {route.identifier: whole[route.identifier]},
        "version": {"guardrailVersion": whole["guardrailVersion"]},
        "both": whole,
    }

    env.call(route, named[given])

    expected = (identifier(route, HR), HR.version) if given == "version" else (PUBLIC.id, PUBLIC.version)
    assert env.sent(route) == [{expected}]


@EVERY
def test_another_guardrail_is_refused(env: Env, route: Route) -> None:
    weak = route.guardrail(WEAK["guardrailIdentifier"], WEAK["guardrailVersion"])

    with pytest.raises(GuardrailNotApprovedError, match="is not approved for us-east-1"):
        env.call(route, weak)

    assert env.fake.requests == []
    assert [event.enforced for event in env.recorder.last.of(CallRefused)] == [True]


@EVERY
def test_another_guardrail_is_replaced_if_configured(env: Env, route: Route) -> None:
    env.call(route, route.guardrail(WEAK["guardrailIdentifier"], WEAK["guardrailVersion"]), on_unapproved="replace")

    assert env.sent(route) == [{(identifier(route, HR), HR.version)}]


@EVERY
def test_using_chooses_the_guardrail(env: Env, route: Route) -> None:
    with env.guard().using("customer-facing"):
        env.call(route)

    assert env.sent(route) == [{(identifier(route, PUBLIC), PUBLIC.version)}]


@EVERY
def test_report_mode_sends_another_guardrail_and_reports_it(env: Env, route: Route) -> None:
    weak = (WEAK["guardrailIdentifier"], WEAK["guardrailVersion"])

    env.call(route, route.guardrail(*weak), mode="report")

    assert env.sent(route) == [{weak}]
    assert [event.enforced for event in env.recorder.last.of(CallRefused)] == [False]


@EVERY
def test_a_deny_policy_stops_the_call(env: Env, route: Route) -> None:
    deny = iam.PolicySet(identity=[ALL, {**ALL, "Statement": {"Effect": "Deny", "Action": "*", "Resource": "*"}}])

    with pytest.raises(ExplicitDenyError) as denied:
        env.call(route, policies=deny)

    assert str(denied.value.action).startswith("bedrock:")
    assert env.fake.requests == []


@EVERY
def test_apply_guardrail_is_required_of_the_caller_unless_a_role_applies_it(env: Env, route: Route) -> None:
    policies = iam.PolicySet(identity=[no_apply(HR)])

    if route.shows:
        with pytest.raises(ExplicitDenyError) as denied:
            env.call(route, policies=policies)
        assert denied.value.action == "bedrock:ApplyGuardrail"
    else:
        env.call(route, policies=policies)

    assert len(env.fake.requests) == (0 if route.shows else 1)


@pytest.mark.parametrize("route", VISIBLE.values(), ids=VISIBLE)
def test_an_intervention_is_reported(env: Env, route: Route) -> None:
    env.fake.reply("The salary is high.", times=None)

    env.call(route)

    found = [event.intervention for event in env.recorder.last.of(GuardrailIntervened)]
    assert [(one.operation, one.guardrail, one.version) for one in found] == [(route.operation, HR.id, HR.version)]


@pytest.mark.parametrize("route", VISIBLE.values(), ids=VISIBLE)
def test_an_intervention_is_raised_if_configured(env: Env, route: Route) -> None:
    env.fake.reply("The salary is high.", times=None)

    with pytest.raises(GuardrailInterventionError):
        env.call(route, on_intervention="raise")


@pytest.mark.parametrize("route", STREAMS.values(), ids=STREAMS)
def test_the_events_of_a_stream_are_those_of_a_plain_client(env: Env, route: Route) -> None:
    named = route.guardrail(HR.id, HR.version)
    plain = getattr(env.plain(route.service), route.method)(**route.write(named))

    assert env.call(route) == [*plain[route.stream]]


ID_ONLY: Final = {name: route for name, route in ROUTES.items() if route.is_id_only}


@pytest.mark.parametrize("route", ID_ONLY.values(), ids=ID_ONLY)
def test_a_guardrail_of_another_account_cannot_be_named_by_its_id(env: Env, route: Route) -> None:
    with pytest.raises(GuardrailNotApprovedError, match="takes the ID of a guardrail and no ARN") as refused:
        env.call(route, guardrails=[FOREIGN])

    assert "999999999999" in refused.value.message
    assert env.fake.requests == []


@pytest.mark.parametrize("name", ["generate", "generate-stream"])
@pytest.mark.parametrize("configuration", [None, {"type": "KNOWLEDGE_BASE"}])
def test_generation_without_a_configuration_is_refused(env: Env, name: str, configuration: dict[str, str] | None) -> None:
    given = {"retrieveAndGenerateConfiguration": configuration} if configuration else {}

    with pytest.raises(UnguardableOperationError, match="`retrieveAndGenerateConfiguration`, which is missing or empty"):
        getattr(env.client("bedrock-agent-runtime"), ROUTES[name].method)(input={"text": "hi"}, sessionId="s1", **given)

    assert env.fake.requests == []


def test_collaborators_and_nodes_have_the_guardrail_of_their_own_model(env: Env) -> None:
    by_model = {
        "guardrails": [
            Guardrail(HR.arn, HR.version, models=("amazon.*",)),
            Guardrail(PUBLIC.arn, PUBLIC.version, models=("anthropic.*",)),
        ]
    }
    supervisor = ROUTES["supervisor"].write({})
    supervisor["collaborators"][0]["foundationModel"] = OPUS
    flow = {**ROUTES["create-flow"].write({}), "definition": nodes(prompt_node(), prompt_node(model=OPUS))}

    list(env.client("bedrock-agent-runtime", **by_model).invoke_inline_agent(**supervisor)["completion"])
    env.client("bedrock-agent", **by_model).create_flow(**flow)

    both = {(HR.arn, HR.version), (PUBLIC.arn, PUBLIC.version)}
    inline, created = env.fake.requests
    assert (ROUTES["supervisor"].sent(inline), ROUTES["create-flow"].sent(created)) == (both, both)


def test_every_guardrail_of_a_call_is_authorized(env: Env) -> None:
    by_model = [Guardrail(HR.arn, HR.version, models=("amazon.*",)), Guardrail(PUBLIC.arn, PUBLIC.version)]
    supervisor = ROUTES["supervisor"].write({})
    client = env.client("bedrock-agent-runtime", guardrails=by_model, policies=iam.PolicySet(identity=[no_apply(PUBLIC)]))
    list(client.invoke_inline_agent(**supervisor)["completion"])
    supervisor["collaborators"][0]["foundationModel"] = OPUS

    with pytest.raises(ExplicitDenyError):
        client.invoke_inline_agent(**supervisor)

    assert len(env.fake.requests) == 1


def test_query_rewriting_is_a_remark(env: Env) -> None:
    rewriting = generation(orchestrationConfiguration={"queryTransformationConfiguration": {"type": "QUERY_DECOMPOSITION"}})
    guard = env.guard(policies=POLICIES)

    def remarks(configuration: dict[str, Any]) -> str:
        call = {"input": {"text": "hi"}, "retrieveAndGenerateConfiguration": configuration}
        return " ".join(guard.simulate("RetrieveAndGenerate", call).remarks)

    assert "rewrites the query" in remarks(rewriting)
    assert "rewrites the query" not in remarks(generation())


def test_a_handler_that_removes_a_nested_guardrail_is_refused(env: Env) -> None:
    client = env.client("bedrock-agent-runtime")

    def remove(params: dict[str, Any], **_: Any) -> None:
        params["collaborators"][0].pop("guardrailConfiguration")

    client.meta.events.register("before-parameter-build.*.*", remove)

    with pytest.raises(RefusedError):
        client.invoke_inline_agent(**ROUTES["supervisor"].write({}))

    assert env.fake.requests == []


@EVERY
@pytest.mark.parametrize("way", ["wrap", "session", "install"])
def test_wrapped_session_and_installed_clients_are_guarded(env: Env, route: Route, way: str) -> None:
    guard = env.guard()
    if route.created:
        method, params = route.created
        getattr(env.client(route.service), method)(**params)
        env.fake.reset()
    ways: dict[str, Callable[[], Any]] = {
        "wrap": lambda: guard.wrap(boto3.client(route.service, **env.fake.client_kwargs())),
        "session": lambda: guard.session(boto3.Session()).client(route.service, **env.fake.client_kwargs()),
    }
    if way == "install":
        with guard.install():
            client = boto3.client(route.service, **env.fake.client_kwargs())
    else:
        client = ways[way]()

    with closing(client):
        response = getattr(client, route.method)(**route.write({}))
        if route.stream:
            list(response[route.stream])

    assert env.sent(route) == [{(identifier(route, HR), HR.version)}]


@pytest.mark.parametrize(("service", "method", "params"), INDIRECT.values(), ids=INDIRECT)
@pytest.mark.parametrize("rule", ["warn", "allow", "refuse"])
def test_indirect_inference_follows_the_setting(env: Env, service: str, method: str, params: dict[str, Any], rule: str) -> None:
    built = env.plain("bedrock-agent")
    built.create_agent(**ROUTES["create-agent"].write({}))
    built.create_flow(**ROUTES["create-flow"].write({}) | {"name": "first"})
    env.fake.reset()
    call = getattr(env.client(service, on_indirect=rule), method)

    if rule == "refuse":
        with pytest.raises(UnguardableOperationError, match="makes AWS call models") as refused:
            call(**params)
        assert 'on_indirect = "verify"' in str(refused.value.hint)
    else:
        drain(call(**params))

    assert len(env.fake.requests) == (0 if rule == "refuse" else 1)
    assert [event.rule for event in env.recorder.last.of(IndirectInference)] == ([] if rule == "refuse" else [rule])


def test_batch_inference_is_refused_unless_it_is_allowed(env: Env) -> None:
    with pytest.raises(UnguardableOperationError, match="CreateModelInvocationJob has no guardrail location"):
        env.client("bedrock").create_model_invocation_job(**BATCH)
    assert env.fake.requests == []

    env.client("bedrock", allow_unguarded=["CreateModelInvocationJob"]).create_model_invocation_job(**BATCH)

    assert [request.operation for request in env.fake.requests] == ["CreateModelInvocationJob"]
    assert [event.kind for event in env.recorder.last.of(SentWithoutGuardrail)] == ["allowed"]


class Attached:
    """Agents and flows with given guardrails, in the fake."""

    def __init__(self, env: Env) -> None:
        self._client = env.plain("bedrock-agent")
        self._numbers = count(1)

    def agent(self, guardrail: dict[str, str] | None, **members: Any) -> dict[str, str]:
        """Create an agent with a live alias; return its IDs."""
        params = {**ROUTES["create-agent"].write(dict(guardrail or {})), "agentName": f"hr-{next(self._numbers)}", **members}
        agent = self._client.create_agent(**params)["agent"]["agentId"]
        alias = self._client.create_agent_alias(agentId=agent, agentAliasName="live")["agentAlias"]
        return {"agentId": agent, "agentAliasId": alias["agentAliasId"], "arn": alias["agentAliasArn"]}

    def flow(self, *configurations: dict[str, Any]) -> dict[str, str]:
        """Create a flow with a live alias; return its identifiers."""
        base = {"name": f"flow-{next(self._numbers)}", "executionRoleArn": ROLE, "definition": nodes(*configurations)}
        flow = self._client.create_flow(**base)["id"]
        version = self._client.create_flow_version(flowIdentifier=flow)["version"]
        routes = [{"flowVersion": version}]
        alias = self._client.create_flow_alias(flowIdentifier=flow, name="live", routingConfiguration=routes)["id"]
        return {"flowIdentifier": flow, "flowAliasIdentifier": alias}


APPROVED: Final = {"guardrailIdentifier": HR.arn, "guardrailVersion": HR.version}
OTHERS: Final[dict[str, tuple[dict[str, str] | None, str]]] = {
    "none": (None, "has no guardrail"),
    "weak": (WEAK, "which is not approved"),
    "version": ({**APPROVED, "guardrailVersion": "1"}, "version 1, which is not approved"),
}
INPUTS: Final = INDIRECT["flow"][2]["inputs"]
ASKED: Final = {"sessionId": "session", "inputText": "hello"}


def _ids(agent: dict[str, str]) -> dict[str, str]:
    return {name: agent[name] for name in ("agentId", "agentAliasId")}


def test_verify_sends_calls_to_agents_and_flows_with_an_approved_guardrail(env: Env) -> None:
    attached, client = Attached(env), env.client("bedrock-agent-runtime", on_indirect="verify")
    agent = attached.agent(APPROVED)
    flow = attached.flow(prompt_node(APPROVED), {"agent": {"agentAliasArn": agent["arn"]}})
    env.fake.reset()

    for _ in range(3):
        list(client.invoke_agent(**_ids(agent), **ASKED)["completion"])
        list(client.invoke_flow(**flow, inputs=INPUTS)["responseStream"])

    operations = [request.operation for request in env.fake.requests]
    assert operations.count("InvokeAgent") == operations.count("InvokeFlow") == 3
    lookups = ["GetAgentAlias", "GetAgentVersion", "GetFlowAlias", "GetFlowVersion"]
    assert [operations.count(lookup) for lookup in lookups] == [1, 1, 1, 1]
    assert [event.rule for heard in env.recorder.calls for event in heard.of(IndirectInference)] == ["verify"] * 6


@pytest.mark.parametrize(("attached_guardrail", "problem"), OTHERS.values(), ids=OTHERS)
def test_verify_refuses_an_agent_without_an_approved_guardrail(
    env: Env, attached_guardrail: dict[str, str] | None, problem: str
) -> None:
    env.fake.configure(guardrails=[*ON_THE_SERVER, ON_THE_SERVER[0].renamed(HR.arn, "1")])
    attached = Attached(env)
    agent = attached.agent(attached_guardrail)
    flow = attached.flow(prompt_node(APPROVED), {"loop": {"definition": nodes({"agent": {"agentAliasArn": agent["arn"]}})}})
    env.fake.reset()
    client = env.client("bedrock-agent-runtime", on_indirect="verify")

    with pytest.raises(GuardrailNotApprovedError, match=problem):
        client.invoke_agent(**_ids(agent), **ASKED)
    with pytest.raises(GuardrailNotApprovedError):
        client.start_flow_execution(**flow, inputs=INPUTS)

    assert {request.operation for request in env.fake.requests}.isdisjoint({"InvokeAgent", "StartFlowExecution"})


def test_verify_refuses_a_flow_with_one_node_without_a_guardrail(env: Env) -> None:
    flow = Attached(env).flow(prompt_node(APPROVED), prompt_node())

    with pytest.raises(GuardrailNotApprovedError, match="has no guardrail"):
        env.client("bedrock-agent-runtime", on_indirect="verify").invoke_flow(**flow, inputs=INPUTS)


def test_verify_checks_the_collaborators_of_an_agent(env: Env) -> None:
    attached, plain = Attached(env), env.plain("bedrock-agent")
    other = attached.agent(None)
    supervisor = {**ROUTES["create-agent"].write(dict(APPROVED)), "agentName": "supervisor", "agentCollaboration": "SUPERVISOR"}
    agent = plain.create_agent(**supervisor)["agent"]["agentId"]
    plain.associate_agent_collaborator(
        agentId=agent,
        agentVersion="DRAFT",
        agentDescriptor={"aliasArn": other["arn"]},
        collaboratorName="other",
        collaborationInstruction="help",
    )
    # The alias routes to a version with the current collaborators.
    alias = plain.create_agent_alias(agentId=agent, agentAliasName="live")["agentAlias"]["agentAliasId"]

    with pytest.raises(GuardrailNotApprovedError, match=other["agentId"]):
        env.client("bedrock-agent-runtime", on_indirect="verify").invoke_agent(agentId=agent, agentAliasId=alias, **ASKED)


@pytest.mark.parametrize("name", UNVERIFIABLE)
def test_verify_refuses_what_it_cannot_verify(env: Env, name: str) -> None:
    service, method, params = INDIRECT[name]

    with pytest.raises(UnguardableOperationError, match="cannot be verified"):
        getattr(env.client(service, on_indirect="verify"), method)(**params)

    assert env.fake.requests == []


def test_verify_refuses_if_the_lookup_fails_and_asks_again(env: Env) -> None:
    agent, client = Attached(env).agent(APPROVED), env.client("bedrock-agent-runtime", on_indirect="verify")
    env.fake.deny("GetAgentAlias", times=1)

    with pytest.raises(UnguardableOperationError, match="GetAgentAlias of bedrock-agent failed with AccessDeniedException"):
        client.invoke_agent(**_ids(agent), **ASKED)
    list(client.invoke_agent(**_ids(agent), **ASKED)["completion"])

    assert [request.operation for request in env.fake.requests].count("InvokeAgent") == 1


def test_verify_lets_an_empty_flow_pass_and_checks_agent_nodes(env: Env) -> None:
    attached, client = Attached(env), env.client("bedrock-agent", on_indirect="verify")
    good, bad = attached.agent(APPROVED), attached.agent(None)
    create = partial(client.create_flow, executionRoleArn=ROLE)

    create(name="empty")
    create(name="good", definition=nodes({"agent": {"agentAliasArn": good["arn"]}}))
    with pytest.raises(GuardrailNotApprovedError):
        create(name="bad", definition=nodes(prompt_node(), {"agent": {"agentAliasArn": bad["arn"]}}))
    with pytest.raises(UnguardableOperationError):
        create(name="unknown", definition=nodes(agent_node()))


def test_the_remark_of_a_verdict_names_indirect_inference(env: Env) -> None:
    guard = env.guard()

    remarks = guard.simulate("InvokeAgent", {"agentId": "A", "agentAliasId": "B", "sessionId": "s"}).remarks

    assert any("calls models inside AWS" in remark for remark in remarks)


def test_presigned_urls_of_nested_guardrails_are_refused(env: Env) -> None:
    with pytest.raises(UnguardableOperationError, match="presigned URL"):
        env.client("bedrock-agent-runtime").generate_presigned_url("retrieve", ROUTES["retrieve"].write({}))


def test_a_preflight_denial_names_the_statement(env: Env) -> None:
    only_retrieve = {**ALL, "Statement": {"Effect": "Allow", "Action": "bedrock:Retrieve", "Resource": "*"}}

    with pytest.raises(ImplicitDenyError) as denied:
        env.call(ROUTES["retrieve"], policies=iam.PolicySet(identity=[only_retrieve]))

    assert denied.value.action == "bedrock:ApplyGuardrail"


def test_only_permitted_calls_arrive_without_an_approved_guardrail(env: Env) -> None:
    """The server counts requests over all routes: each one without an approved guardrail has an event with the reason."""
    client = {service: env.client(service, allow_unguarded=["CreateModelInvocationJob"]) for service in SERVICES}
    plain = env.plain("bedrock-agent")
    plain.create_agent(**ROUTES["create-agent"].write({}))
    plain.create_flow(**ROUTES["create-flow"].write({}))
    env.fake.reset()
    weak = {name: route.guardrail(*WEAK.values()) for name, route in ROUTES.items()}
    calls = [(route.service, route.method, route.write({})) for route in ROUTES.values()]
    calls += [(route.service, route.method, route.write(weak[name])) for name, route in ROUTES.items()]
    calls += [*INDIRECT.values(), ("bedrock", "create_model_invocation_job", BATCH)]

    flow = {"flowIdentifier": "FLOW0D4735"}
    for number, (service, method, params) in enumerate(calls):
        own: dict[str, str] = {name: f"own-{number}" for name in ("agentName", "jobName", "name") if name in params}
        own |= flow if method == "update_flow" else {}
        try:
            response = getattr(client[service], method)(**{**params, **own})
        except RefusedError:
            continue
        drain(response)

    approved = {(one.id, one.version) for one in (HR, PUBLIC)} | {(one.arn, one.version) for one in (HR, PUBLIC)}
    unguarded = [request.operation for request in env.fake.requests if request.guardrail not in approved]
    reported = [
        heard.call.name
        for heard in env.recorder.calls
        if any(isinstance(event, IndirectInference | SentWithoutGuardrail) for event in heard.events)
    ]
    assert len(env.fake.requests) == len(ROUTES) + len(INDIRECT) + 1
    assert [operation for operation in unguarded if operation not in reported] == []
    assert len(unguarded) == len(INDIRECT)  # the inline agent itself has the guardrail, the batch job has none
