"""Converts the JSON of a case to a `Case`. An error contains the location."""

from __future__ import annotations

import json
from functools import reduce
from typing import TYPE_CHECKING, Any, Final, get_args

from guardedbedrock.bedrock import (
    AUTHORIZERS,
    OPERATIONS,
    ROWS,
    SERVICES,
    VOCABULARIES,
    AuthorizationSet,
    Caller,
    Guardrail,
    Inventory,
    RequiredAuthorization,
    find_operation,
)
from guardedbedrock.bedrock.authorization.cross_account import caller_side
from guardedbedrock.bedrock.authorization.vocabulary import check_guardrail_id
from guardedbedrock.bedrock.call_checks import find_problem, unreadable
from guardedbedrock.bedrock.caller import BEARERS, unknown_keys
from guardedbedrock.bedrock.parameters import read_parameter
from guardedbedrock.errors import ConfigurationError
from guardedbedrock.governance.proof.actions import actions_of
from guardedbedrock.governance.proof.options import TIMEOUT, Options
from guardedbedrock.governance.proof.policies import PRINCIPAL, ProofPolicies
from guardedbedrock.iam import POLICY_TYPES, Outcome, PolicySet, PolicySyntaxError, Request
from guardedbedrock.testing.cases import iam_shapes, shapes
from guardedbedrock.testing.cases.proof_cases import ANSWERS, QUESTIONS, ProofCase
from guardedbedrock.testing.cases.records import Case, ClientCall, Expectation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from guardedbedrock.testing.cases.shapes import Location, Shape

_DOCUMENTS: Final = shapes.array_of(shapes.object_of(shapes.anything))
_LEVELED: Final = ("scp", "rcp")
_POLICIES: Final[Mapping[str, Shape]] = {
    kind: shapes.array_of(_DOCUMENTS) if kind in _LEVELED else _DOCUMENTS for kind in POLICY_TYPES
}
_REQUEST: Final = iam_shapes.request(
    shapes.fields(
        {"principal": iam_shapes.principal, "action": iam_shapes.action, "resource": iam_shapes.resource},
        {"resourceAccount": shapes.text, "context": iam_shapes.context, "unknown": shapes.array_of(shapes.text)},
    )
)
_CALL: Final = shapes.fields(
    {"operation": iam_shapes.operation, "region": iam_shapes.region, "params": shapes.object_of(shapes.anything)},
    {"service": shapes.one_of(SERVICES), "bearer": shapes.one_of(BEARERS)},
)
_GUARDRAIL: Final = shapes.fields(
    {"arn": shapes.text, "version": shapes.text}, {"tags": shapes.object_of(shapes.text), "profile": shapes.name}
)
_GUARDRAILS: Final = shapes.array_of(_GUARDRAIL)
_EXPECT: Final = shapes.fields(
    {"decision": shapes.one_of(get_args(Outcome))},
    {
        "determining": shapes.array_of(shapes.text),
        "policyType": shapes.one_of(POLICY_TYPES),
        "hangsOn": shapes.array_of(shapes.text),
    },
)
_NEEDED: Final[Mapping[str, Shape]] = {"id": shapes.name, "policies": shapes.fields({}, _POLICIES), "expect": _EXPECT}
_OPTIONAL: Final[Mapping[str, Shape]] = {"why": shapes.text, "source": shapes.text, "confidence": shapes.text}

OF_REQUEST: Final = shapes.fields({**_NEEDED, "request": _REQUEST}, _OPTIONAL)
_OF_CALLS: Final[Mapping[str, Shape]] = {
    "principal": iam_shapes.caller,
    "call": _CALL,
    "vocabulary": shapes.one_of(VOCABULARIES),
    "guardrails": _GUARDRAILS,
    "enforced": _GUARDRAILS,
    "profiles": shapes.object_of(shapes.array_of(shapes.name)),
    "context": iam_shapes.context,
}
OF_CALL: Final = shapes.fields(
    {**_NEEDED, "principal": _OF_CALLS["principal"], "call": _OF_CALLS["call"]}, {**_OPTIONAL, **_OF_CALLS}
)

_POLICY_TYPES: Final = shapes.fields({}, _POLICIES)
_EXPECT_ANSWER: Final = shapes.fields({"answer": shapes.one_of(ANSWERS)}, {"determining": shapes.array_of(shapes.text)})
_ALL_PROOFS: Final[Mapping[str, Shape]] = {
    "id": shapes.name,
    "prove": shapes.one_of(QUESTIONS),
    "policies": _POLICY_TYPES,
    "expect": _EXPECT_ANSWER,
}
_OPTIONS_OF_PROOFS: Final[Mapping[str, Shape]] = {
    **_OPTIONAL,
    "principal": iam_shapes.caller,
    "assume": iam_shapes.assumptions,
    "timeout": shapes.positive_number,
}
_VERSIONS: Final = {"before": _POLICY_TYPES}
_OF_PROOFS: Final[Mapping[str, tuple[Mapping[str, Shape], Mapping[str, Shape]]]] = {
    "guardrail-required": ({}, {"guardrails": _GUARDRAILS, "exemptModels": shapes.array_of(shapes.name)}),
    "no-new-access": (_VERSIONS, {}),
    "equivalent": (_VERSIONS, {}),
    "never": ({"action": shapes.name}, {"resource": shapes.name, "when": iam_shapes.assumptions}),
    "always-allowed": (
        {},
        {
            "request": _REQUEST,
            **{name: _OF_CALLS[name] for name in ("call", "guardrails", "enforced", "profiles", "context")},
        },
    ),
    "unreachable": ({}, {}),
}
"""The fields of each question: the required ones, and the optional ones."""
OF_PROOF: Final[Mapping[str, Shape]] = {
    question: shapes.fields({**_ALL_PROOFS, **needed}, {**_OPTIONS_OF_PROOFS, **optional})
    for question, (needed, optional) in _OF_PROOFS.items()
}

SHARED: Final = tuple(
    dict.fromkeys(
        name
        for fields in (
            ("policies", "request"),
            _OF_CALLS,
            _NEEDED,
            _OPTIONAL,
            _ALL_PROOFS,
            _OPTIONS_OF_PROOFS,
            *(each for pair in _OF_PROOFS.values() for each in pair),
        )
        for name in fields
        if name != "id"
    )
)
"""The fields that cases of a suite can share."""


class CaseReader:
    """Reads cases. Policies that several cases share are compiled once."""

    def __init__(self) -> None:
        self._compiled: dict[str, PolicySet] = {}

    def case(self, data: Any, location: Location, file: str) -> Case | ProofCase:
        """
        Read one case.

        Raises:
            PolicySyntaxError: A policy is invalid.
            ConfigurationError: Anything else in the case is invalid.
        """
        shapes.check_json(data, location)
        if isinstance(data, dict) and "prove" in data:
            return self._proof(data, location, file)
        is_call = isinstance(data, dict) and "call" in data
        if is_call and "request" in data:
            location.fail("has both `request` and `call`; remove one")
        if isinstance(data, dict) and not is_call and "request" not in data:
            location.fail("has neither `request` nor `call` nor `prove`; add one")
        (OF_CALL if is_call else OF_REQUEST)(data, location)
        call = _call(data, location) if is_call else None
        policies = self._policies(data, "policies", location)
        expect, why = _expectation(data["expect"]), data.get("why", "")
        if call is None:
            return Case(
                data["id"],
                policies,
                AuthorizationSet((RequiredAuthorization(_request(data["request"])),)),
                expect,
                None,
                why,
                file,
            )
        asked = caller_side(_authorizations(call, policies, location / "call" / "params"), policies)
        return Case(data["id"], policies, asked, expect, call, why, file)

    def _proof(self, data: dict[str, Any], location: Location, file: str) -> ProofCase:
        shapes.one_of(QUESTIONS)(data["prove"], location / "prove")
        question = data["prove"]
        if question == "always-allowed" and ("call" in data) is ("request" in data):
            location.fail("requires exactly one of `request` and `call`, which must stay allowed")
        OF_PROOF[question](data, location)
        principal = data.get("principal", PRINCIPAL)
        versions = {
            name: ProofPolicies.of(self._policies(data, name, location), principal)
            for name in ("policies", "before")
            if name in data
        }
        if "action" in data:
            try:
                actions_of(data["action"])
            except ConfigurationError as error:
                (location / "action").fail(error)
        requests: tuple[Request, ...] = ()
        if "request" in data:
            requests = (_request(data["request"]),)
        elif "call" in data:
            call = _call({**data, "principal": principal}, location)
            requests = tuple(_authorizations(call, versions["policies"].policy_set(), location / "call" / "params").requests)
        return ProofCase(
            id=data["id"],
            question=question,
            policies=versions["policies"],
            expected=data["expect"]["answer"],
            determining=frozenset(data["expect"]["determining"]) if "determining" in data["expect"] else None,
            before=versions.get("before"),
            approved=tuple(one.key for one in _guardrails(data, "guardrails", location)),
            exempt_models=tuple(data.get("exemptModels", ())),
            action=data.get("action", ""),
            resource=data.get("resource", "*"),
            when=data.get("when", {}),
            requests=requests,
            options=Options(float(data.get("timeout", TIMEOUT)), data.get("assume", {})),
            why=data.get("why", ""),
            file=file,
        )

    def _policies(self, data: Mapping[str, Any], field: str, location: Location) -> PolicySet:
        given = data[field]
        key = json.dumps(given, default=repr)
        if key not in self._compiled:
            try:
                self._compiled[key] = PolicySet(**given)
            except PolicySyntaxError as error:
                where = f"{location}: policy {_policy_file(given, error.file or '')}"
                raise PolicySyntaxError(error.problem, pointer=error.pointer, file=where) from None
            except ConfigurationError:  # its message is about the arguments of `PolicySet`
                (location / field).fail("has no policies; for a principal without policies, write `identity` with an empty array")
        return self._compiled[key]


def _policy_file(policies: Mapping[str, Any], label: str) -> str:
    """Return the file of a policy that the engine calls ``scp[0][1]``, or its label if it has no file."""
    kind, *indices = label.replace("]", "").split("[")
    document = reduce(lambda found, index: found[int(index)], indices, policies[kind])
    return getattr(document, "file", label)


def _request(data: Mapping[str, Any]) -> Request:
    return Request(
        principal=data["principal"],
        action=data["action"],
        resource=data["resource"],
        context=data.get("context", {}),
        unknown=data.get("unknown", ()),
        resource_account=data.get("resourceAccount"),
    )


def _call(data: Mapping[str, Any], location: Location) -> ClientCall:
    call, vocabulary = data["call"], data.get("vocabulary", VOCABULARIES[0])
    service = _service(call, location / "call")
    problem = find_problem(service, call["operation"], call["params"])
    if problem:
        (location / "call" / "params").fail(problem)
    return ClientCall(
        operation=call["operation"],
        region=call["region"],
        params=call["params"],
        principal=data["principal"],
        vocabulary=vocabulary,
        guardrails=_guardrails(data, "guardrails", location),
        enforced=_guardrails(data, "enforced", location),
        resolved_models={name: tuple(models) for name, models in data.get("profiles", {}).items()},
        context=data.get("context", {}),
        service=service,
        bearer=call.get("bearer", ""),
    )


def _service(call: Mapping[str, Any], location: Location) -> str:
    """Return the service of an operation. For an operation of another service, AWS has no action of this name to test."""
    services = [row.service for row in ROWS.values() if row.name == call["operation"]]
    service = call.get("service", OPERATIONS[call["operation"]].service)
    if service not in services:
        fix = f"set it to `{'` or `'.join(services)}`, or remove it"
        (location / "service").fail(f"`{service}` does not have the operation {call['operation']}; {fix}")
    return str(service)


def _guardrails(data: Mapping[str, Any], name: str, location: Location) -> tuple[Guardrail, ...]:
    guardrails: list[Guardrail] = []
    for index, given in enumerate(data.get(name, ())):
        try:
            guardrails.append(Guardrail(given["arn"], given["version"], tags=given.get("tags"), profile=given.get("profile", "")))
            check_guardrail_id(guardrails[-1], data.get("vocabulary", VOCABULARIES[0]))
        except ConfigurationError as error:
            (location / name / index).fail(error)
    return tuple(guardrails)


def _authorizations(call: ClientCall, policies: PolicySet, location: Location) -> AuthorizationSet:
    """Return the authorizations of a call. If its parameters name no guardrail, the first one of its Region is injected."""
    operation, params = find_operation(call.service, call.operation), call.params
    required = (path for action in operation.required_actions if action.when == "always" for path in action.parameters)
    empty = next((path for path in required if read_parameter(params, path) == ""), None)
    if empty:
        location.fail(f"`{empty}` is empty; {call.operation} requires it")
    unknown = unknown_keys(call.principal, policies.reads)
    caller = Caller(call.principal, call.region, context=call.context, unknown=unknown, bearer=call.bearer)
    listed = (*call.guardrails, *call.enforced)
    inventory = Inventory(
        tags={guardrail.arn: guardrail.tags for guardrail in listed if guardrail.tags is not None},
        resolved_models=call.resolved_models,
        enforced=call.enforced,
        profiles={guardrail.arn: guardrail.profile for guardrail in listed if guardrail.profile},
    )
    try:
        guardrail = next((one for one in call.guardrails if one.region == call.region), None)
        if guardrail and operation.location and operation.location.read(params) == (None, None):
            params = operation.location.put(params, guardrail.arn, guardrail.version)
        return AUTHORIZERS[call.vocabulary](operation, params, caller, inventory)
    except KeyError as error:
        location.fail(f"`{error.args[0]}` is missing; {call.operation} requires it")
    except (AttributeError, TypeError, ValueError):
        location.fail(unreadable(call.operation))


def _expectation(data: Mapping[str, Any]) -> Expectation:
    named = {key: frozenset(data[key]) if key in data else None for key in ("determining", "hangsOn")}
    return Expectation(data["decision"], named["determining"], data.get("policyType"), named["hangsOn"])
