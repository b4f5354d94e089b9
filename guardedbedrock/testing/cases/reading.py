"""From the JSON of a case to a `Case` that can be run, or to an error that names the place."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, get_args

from guardedbedrock.bedrock import OPERATIONS, VOCABULARIES, Caller, Guardrail, authorizations
from guardedbedrock.errors import ConfigurationError
from guardedbedrock.iam import POLICY_TYPES, Outcome, PolicySet, PolicySyntaxError, Request
from guardedbedrock.testing.cases import shapes
from guardedbedrock.testing.cases.records import Case, ClientCall, Expectation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from guardedbedrock.testing.cases.shapes import Place, Shape

_DOCUMENTS: Final = shapes.array_of(shapes.object_of(shapes.anything))
_LEVELED: Final = ("scp", "rcp")
_POLICIES: Final[Mapping[str, Shape]] = {
    kind: shapes.array_of(_DOCUMENTS) if kind in _LEVELED else _DOCUMENTS for kind in POLICY_TYPES
}
_REQUEST: Final = shapes.fields(
    {"principal": shapes.text, "action": shapes.name, "resource": shapes.name},
    {
        "resourceAccount": shapes.text,
        "context": shapes.object_of(shapes.context_value),
        "unknown": shapes.array_of(shapes.text),
    },
)
_CALL: Final = shapes.fields(
    {"operation": shapes.one_of(OPERATIONS), "region": shapes.name, "params": shapes.object_of(shapes.anything)}, {}
)
_GUARDRAIL: Final = shapes.fields({"arn": shapes.text, "version": shapes.text}, {"tags": shapes.object_of(shapes.text)})
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
OF_CALL: Final = shapes.fields(
    {**_NEEDED, "principal": shapes.text, "call": _CALL},
    {**_OPTIONAL, "vocabulary": shapes.one_of(VOCABULARIES), "guardrails": shapes.array_of(_GUARDRAIL)},
)


class Reader:
    """Reads cases, and compiles policies that several of them hold only once."""

    def __init__(self) -> None:
        self._compiled: dict[str, PolicySet] = {}

    def case(self, data: Any, place: Place, file: str) -> Case:
        """
        Read one case.

        Raises:
            PolicySyntaxError: One of its policies can not be read.
            ConfigurationError: Anything else in it can not be used.
        """
        shapes.check_json(data, place)
        is_call = isinstance(data, dict) and "call" in data
        if is_call and "request" in data:
            place.fail("asks a request and a call; keep one")
        if isinstance(data, dict) and not is_call and "request" not in data:
            place.fail("asks nothing; write a `request` or a `call`")
        (OF_CALL if is_call else OF_REQUEST)(data, place)
        call = _call(data, place) if is_call else None
        requests = _requests(call, place / "call" / "params") if call else (_request(data["request"]),)
        policies = self._policies(data["policies"], place)
        return Case(data["id"], policies, requests, _expectation(data["expect"]), call, data.get("why", ""), file)

    def _policies(self, data: Mapping[str, Any], place: Place) -> PolicySet:
        key = json.dumps(data, default=repr)
        if key not in self._compiled:
            try:
                self._compiled[key] = PolicySet(**data)
            except PolicySyntaxError as error:
                where = f"{place}: policy {error.file}"
                raise PolicySyntaxError(error.problem, pointer=error.pointer, file=where) from None
        return self._compiled[key]


def _request(data: Mapping[str, Any]) -> Request:
    return Request(
        principal=data["principal"],
        action=data["action"],
        resource=data["resource"],
        context=data.get("context", {}),
        unknown=data.get("unknown", ()),
        resource_account=data.get("resourceAccount"),
    )


def _call(data: Mapping[str, Any], place: Place) -> ClientCall:
    vocabulary = data.get("vocabulary", VOCABULARIES[0])
    guardrails: list[Guardrail] = []
    for index, given in enumerate(data.get("guardrails", ())):
        try:
            guardrails.append(Guardrail(given["arn"], given["version"], tags=given.get("tags")))
            guardrails[-1].check(vocabulary)
        except ConfigurationError as error:
            (place / "guardrails" / index).fail(error)
    asked = data["call"]
    return ClientCall(asked["operation"], asked["region"], asked["params"], data["principal"], vocabulary, tuple(guardrails))


def _requests(call: ClientCall, place: Place) -> tuple[Request, ...]:
    """Write out what the call asks, with the first guardrail put in where the parameters name none."""
    operation, params = OPERATIONS[call.operation], call.params
    caller = Caller(call.principal, call.region, vocabulary=call.vocabulary)
    tags = {guardrail.arn: guardrail.tags for guardrail in call.guardrails if guardrail.tags is not None}
    try:
        if call.guardrails and operation.place and operation.place.read(params) == (None, None):
            params = operation.place.put(params, call.guardrails[0].arn, call.guardrails[0].version)
        return authorizations(operation, params, caller, guardrail_tags=tags)
    except KeyError as error:
        place.fail(f"`{error.args[0]}` is missing, which {call.operation} needs")
    except (AttributeError, TypeError, ValueError):
        place.fail(f"holds a value of a type that {call.operation} does not take")


def _expectation(data: Mapping[str, Any]) -> Expectation:
    named = {key: frozenset(data[key]) if key in data else None for key in ("determining", "hangsOn")}
    return Expectation(data["decision"], named["determining"], data.get("policyType"), named["hangsOn"])
