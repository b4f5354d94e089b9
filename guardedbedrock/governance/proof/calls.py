"""The calls of a calls file, as the authorizations that they need."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from guardedbedrock._nearest import suggest
from guardedbedrock.bedrock import OPERATIONS, ROWS, Caller, Guardrail, Operation, authorizations
from guardedbedrock.bedrock.call_checks import find_problem, unknown_operation, unreadable
from guardedbedrock.bedrock.caller import BEARERS, unknown_keys
from guardedbedrock.bedrock.errors.policy_mistakes import mistaken_key
from guardedbedrock.bedrock.names import REGION_FIX, is_region
from guardedbedrock.bedrock.parameters import Params
from guardedbedrock.errors import ConfigurationError
from guardedbedrock.governance.inputs import read_json
from guardedbedrock.governance.proof.actions import actions_of
from guardedbedrock.governance.proof.policies import ProofPolicies
from guardedbedrock.iam import Request
from guardedbedrock.iam.matching.principals import identify
from guardedbedrock.settings.reader import LARGEST_YAML, parse_yaml, read_text

_REGION: Final = "us-east-1"
_YAML: Final = (".yaml", ".yml")
_SCALARS: Final = (str, int, float)  # and bool, which is an int
_CALL: Final[Mapping[str, type]] = {"operation": str, "params": Mapping, "region": str, "service": str, "bearer": str}
_REQUEST: Final[Mapping[str, type]] = {
    "principal": str,
    "action": str,
    "resource": str,
    "resourceAccount": str,
    "context": Mapping,
    "unknown": list,
}
_ACCOUNT: Final = re.compile(r"[0-9]{12}")
_NOTES: Final = ("principal", "id", "why", "source")
"""Fields that an entry without ``call`` and ``request`` may have in addition to those of its call or request."""
_WORDS: Final[Mapping[type, str]] = {str: "a string", Mapping: "an object", list: "an array of strings"}
_FORM: Final = "write operation and params, or action and resource"


def requests_of(path: str, policies: ProofPolicies, guardrails: Sequence[Guardrail] = ()) -> tuple[Request, ...]:
    """
    Read a calls file: an array of calls, requests or cases, or an object with such an array under ``calls`` or ``cases``.

    A call has ``operation`` and ``params``, and may have ``region``, ``service`` and ``bearer``. A request has ``action`` and
    ``resource``, and may have ``context``, ``unknown``, ``principal`` and ``resourceAccount``. A case has one of them under
    ``call`` or ``request``.

    Args:
        path: The file, JSON or YAML.
        policies: The policies of the principal that calls.
        guardrails: Approved guardrails; a call that can carry one and names none gets the first of its Region.

    Raises:
        ConfigurationError: The file cannot be read or has another form; the message names the entry.
    """
    file = Path(path)
    data = _read(file)
    if isinstance(data, Mapping):
        data = data.get("calls", data.get("cases"))
    if not isinstance(data, list) or not data:
        example = '[{"operation": "Converse", "params": {...}}]'
        raise ConfigurationError(f"{file}: must be an array of at least one call, such as {example}")
    found: list[Request] = []
    for index, entry in enumerate(data):
        found += _requests(entry, f"{file}[{index}]", policies, guardrails)
    return tuple(found)


def _read(file: Path) -> object:
    if file.suffix not in _YAML:
        return read_json(file)
    text = read_text(file, largest=LARGEST_YAML)
    return parse_yaml(text, str(file), loader=lambda: import_module("guardedbedrock.settings.yaml_loader").Loader)


def _requests(entry: object, location: str, policies: ProofPolicies, guardrails: Sequence[Guardrail]) -> Iterator[Request]:
    if not isinstance(entry, Mapping):
        raise ConfigurationError(f"{location}: must be an object; {_FORM}")
    kind = next((name for name in ("call", "request") if name in entry), "")
    given, where = (entry[kind], f"{location}.{kind}") if kind else (entry, location)
    if not isinstance(given, Mapping):
        raise ConfigurationError(f"{where}: must be an object; {_FORM}")
    named = entry.get("principal", policies.principal)
    if not isinstance(named, str):
        raise ConfigurationError(f"{location}.principal: must be {_WORDS[str]}")
    if identify(named).kind == "other" and named != "anonymous":
        raise ConfigurationError(f"{location}.principal: `{named}` is not the ARN of a user, a role, a session or a root user")
    notes = () if kind else _NOTES
    if "action" in given:
        _check(given, where, _REQUEST, notes, required=("action", "resource"))
        yield _request({"principal": named, **given}, where)
        return
    _check(given, where, _CALL, notes, required=("operation",))
    bearer = given.get("bearer", "")
    if bearer not in BEARERS:
        raise ConfigurationError(f"{where}.bearer: must be one of {', '.join(filter(None, BEARERS))}")
    operation, params, region = _operation(given, where), given.get("params", {}), given.get("region", _REGION)
    if not is_region(region):
        raise ConfigurationError(f"{where}.region: `{region}` is not the name of a Region; {REGION_FIX}")
    try:
        unknown = unknown_keys(named, policies.policy_set().reads)
        caller = Caller(named, region, unknown=unknown, bearer=bearer)
        yield from authorizations(operation, _with_guardrail(operation, params, region, guardrails), caller).requests
    except KeyError as error:
        raise ConfigurationError(f"{where}.params: `{error.args[0]}` is missing; add it") from None
    except (TypeError, ValueError, AttributeError):
        raise ConfigurationError(f"{where}.params: {unreadable(operation.name)}") from None


def _check_names(given: Mapping[str, Any], location: str, known: Collection[str], notes: Collection[str]) -> None:
    for name in given:
        if name not in (*known, *notes):
            raise ConfigurationError(f"{location}: unknown field `{name}`; {suggest(str(name), known, 'fields')}")


def _check(
    given: Mapping[str, Any], location: str, kinds: Mapping[str, type], notes: Sequence[str], required: Sequence[str]
) -> None:
    """Check the fields of a call or a request. The other fields of a case are not checked here."""
    _check_names(given, location, kinds, notes)
    for name in required:
        if name not in given:
            raise ConfigurationError(f"{location}: `{name}` is missing; {_FORM}")
    for name, kind in kinds.items():
        if name in given and not isinstance(given[name], kind):
            raise ConfigurationError(f"{location}.{name}: must be {_WORDS[kind]}")
    for name in given.get("unknown", ()):
        if not isinstance(name, str):
            raise ConfigurationError(f"{location}.unknown: must be {_WORDS[list]}")
    for name, value in given.get("context", {}).items():
        values = value if isinstance(value, list) else [value]
        if not all(isinstance(one, _SCALARS) for one in values):
            raise ConfigurationError(f"{location}.context.{name}: must be a string, a number, a Boolean or an array of them")


def _check_keys(given: Mapping[str, Any], location: str) -> None:
    for name in ("context", "unknown"):
        problem = next(filter(None, map(mistaken_key, given.get(name, ()))), None)
        if problem:
            raise ConfigurationError(f"{location}.{name}: {problem}")


def _request(given: Mapping[str, Any], location: str) -> Request:
    _check_keys(given, location)
    action = given["action"]
    try:
        actions_of(action)
    except ConfigurationError as error:
        raise ConfigurationError(f"{location}.action: {error}") from None
    if "*" in action or "?" in action:
        raise ConfigurationError(f"{location}.action: `{action}` is a pattern; name one action")
    owner = given.get("resourceAccount")
    if owner is not None and not _ACCOUNT.fullmatch(owner):
        raise ConfigurationError(f"{location}.resourceAccount: `{owner}` is not the ID of an account; write its 12 digits")
    return Request(
        given["principal"],
        action,
        given["resource"],
        given.get("context", {}),
        given.get("unknown", ()),
        resource_account=owner,
    )


def _operation(given: Mapping[str, Any], where: str) -> Operation:
    """
    Return the operation of a call.

    Raises:
        ConfigurationError: The operation is unknown, or does not have one of the parameters.
    """
    name = given["operation"]
    if name not in OPERATIONS:
        raise ConfigurationError(f"{where}.operation: {unknown_operation(name)}")
    service = given.get("service", OPERATIONS[name].service)
    if (service, name) not in ROWS:
        services = " or ".join(f"`{row.service}`" for row in ROWS.values() if row.name == name)
        raise ConfigurationError(f"{where}.service: `{service}` does not have the operation {name}; set it to {services}")
    problem = find_problem(service, name, given.get("params", {}))
    if problem:
        raise ConfigurationError(f"{where}.params: {problem}")
    return ROWS[service, name]


def _with_guardrail(operation: Operation, params: Params, region: str, guardrails: Sequence[Guardrail]) -> Params:
    """Return the parameters of a call with the first guardrail of its Region, if they can hold one and name none."""
    location = operation.location
    chosen = next((guardrail for guardrail in guardrails if guardrail.region == region), None)
    if not operation.inference or location is None or any(location.read(params)) or chosen is None:
        return params
    return location.put(params, chosen.arn, chosen.version)
