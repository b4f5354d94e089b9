"""The calls of a calls file, as the authorizations that they need."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from guardedbedrock.bedrock import OPERATIONS, Caller, Guardrail, authorizations
from guardedbedrock.bedrock.caller import unknown_keys
from guardedbedrock.errors import ConfigurationError
from guardedbedrock.governance.inputs import read_json
from guardedbedrock.governance.proof.policies import ProofPolicies
from guardedbedrock.iam import Request

_REGION = "us-east-1"


def requests_of(path: str, policies: ProofPolicies, guardrails: Sequence[Guardrail] = ()) -> tuple[Request, ...]:
    """
    Read a calls file: a JSON array of calls, requests or cases, or an object with such an array under ``calls`` or ``cases``.

    A call has ``operation`` and ``params``, and may have ``region``. A request has ``action`` and ``resource``, and may have
    ``context`` and ``unknown``. A case has one of them under ``call`` or ``request``.

    Args:
        path: The file.
        policies: The policies of the principal that calls.
        guardrails: Approved guardrails; a call that can carry one and names none gets the first of its region.

    Raises:
        ConfigurationError: The file cannot be read or has another form; the message names the entry.
    """
    file = Path(path)
    data = read_json(file)
    if isinstance(data, Mapping):
        data = data.get("calls", data.get("cases"))
    if not isinstance(data, list) or not data:
        raise ConfigurationError(f"{file}: must be a JSON array of calls such as {{'operation': 'Converse', 'params': {{...}}}}")
    found: list[Request] = []
    for index, entry in enumerate(data):
        try:
            found += _requests(entry, policies, guardrails)
        except (KeyError, TypeError, AttributeError) as error:
            problem = f"`{error.args[0]}` is missing" if isinstance(error, KeyError) else "has the wrong form"
            raise ConfigurationError(f"{file}[{index}]: {problem}; write operation and params, or action and resource") from None
    return tuple(found)


def _requests(entry: Mapping[str, Any], policies: ProofPolicies, guardrails: Sequence[Guardrail]) -> Iterator[Request]:
    given = entry.get("call") or entry.get("request") or entry
    if "action" in given:
        context, unknown = given.get("context", {}), given.get("unknown", ())
        yield Request(given.get("principal", policies.principal), given["action"], given["resource"], context, unknown)
        return
    name, params, region = given["operation"], dict(given.get("params", {})), given.get("region", _REGION)
    if name not in OPERATIONS:
        raise KeyError("operation")
    operation = OPERATIONS[name]
    location = operation.location
    if operation.inference and location is not None and not any(location.read(params)):
        for guardrail in guardrails:
            if guardrail.region == region:
                params = location.put(params, guardrail.arn, guardrail.version)
                break
    unknown = unknown_keys(policies.principal, policies.policy_set().reads)
    yield from authorizations(operation, params, Caller(policies.principal, region, unknown=unknown)).requests
