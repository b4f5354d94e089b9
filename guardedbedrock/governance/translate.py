"""
Translate policies from the vocabulary of a widely read article to AWS's.

In the article, a guarded call needs ``bedrock:InvokeModelWithGuardrail``, and ``bedrock:InvokeModel`` is a call without a
guardrail. At AWS, every call needs ``bedrock:InvokeModel`` or ``bedrock:InvokeModelWithResponseStream`` on the model; the
guardrail of the call is a condition key, and a guarded call also needs ``bedrock:ApplyGuardrail`` on the guardrail.
Source: Bedrock User Guide, "Set up permissions to use guardrails for content filtering".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from guardedbedrock.bedrock.actions import APPLY, GUARDRAIL_KEY, INFERENCE, INVOKE, STREAM
from guardedbedrock.bedrock.operations import TABLE
from guardedbedrock.iam import PolicySet, PolicyType, Request, parse
from guardedbedrock.iam.matching.patterns import compile_pattern

ARTICLE: Final = "bedrock:InvokeModelWithGuardrail"
_PLAIN: Final = (INVOKE.lower(), STREAM.lower())
_GUARDRAIL: Final = ":guardrail/"
_ID: Final = re.compile(r"[a-z0-9*?]+")
_ALLOWED_CALLER: Final = "arn:aws:iam::123456789012:role/Application"
_OTHER: Final = "arn:aws:bedrock:us-east-1:123456789012:guardrail/zz9unlisted9z"
_MODEL: Final = "arn:aws:bedrock:us-east-1::foundation-model/acme.sample-v1:0"
_FULL_ALLOW: Final = {"Effect": "Allow", "Action": "*", "Resource": "*"}
_RANK: Final = {"allowed": 0, "indeterminate": 1, "implicitDeny": 2, "explicitDeny": 2}


@dataclass(frozen=True, slots=True)
class Translation:
    """
    A translated policy.

    Args:
        policy: The policy in AWS's vocabulary.
        changes: What was changed, one sentence for each statement.
        lost: What the translation could not preserve, in sentences.
        differences: Calls that both policies decide differently.
    """

    policy: Mapping[str, Any]
    changes: tuple[str, ...]
    lost: tuple[str, ...]
    differences: tuple[str, ...]

    def as_data(self) -> dict[str, Any]:
        """Return the translation as JSON data."""
        rest = {"changes": list(self.changes), "lost": list(self.lost), "differences": list(self.differences)}
        return {"policy": dict(self.policy), **rest}


def translate(
    document: Mapping[str, Any], guardrail_ids: Mapping[str, str] | None = None, policy_type: PolicyType = "identity"
) -> Translation:
    """
    Translate a policy document.

    Args:
        document: The policy as a JSON object.
        guardrail_ids: Guardrail IDs of the article, such as ``G-HR-Compliance``, mapped to the IDs that AWS assigned.
        policy_type: Type of the policy. Its statements must apply to every principal.

    Raises:
        PolicySyntaxError: The document is not a policy.
    """
    original = _renamed(document, guardrail_ids or {})
    parse(original, policy_type)
    listed = _statements(original)
    changes: list[str] = []
    lost = list(_invalid_ids(listed))
    statements: list[dict[str, Any]] = []
    for index, statement in enumerate(listed):
        statements += _statement(statement, f"statement {statement.get('Sid') or index}", changes, lost)
    policy = {**original, "Version": "2012-10-17", "Statement": _unique_sids(statements)}
    parse(policy, policy_type)
    differences = tuple(dict.fromkeys(_differences(original, policy, policy_type)))
    return Translation(policy, tuple(changes), tuple(dict.fromkeys(lost)), differences)


def _renamed(value: Any, ids: Mapping[str, str]) -> Any:
    if isinstance(value, Mapping):
        return {key: _renamed(one, ids) for key, one in value.items()}
    if isinstance(value, list):
        return [_renamed(one, ids) for one in value]
    if isinstance(value, str) and _GUARDRAIL in value:
        head, _, name = value.partition(_GUARDRAIL)
        identifier, colon, version = name.partition(":")
        return f"{head}{_GUARDRAIL}{ids.get(identifier, identifier)}{colon}{version}"
    return value


def _invalid_ids(statements: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield a message for each guardrail ID that is not valid at AWS."""
    for text in dict.fromkeys(_texts(list(statements))):
        name = text.partition(_GUARDRAIL)[2].partition(":")[0]
        if name and "${" not in name and not _ID.fullmatch(name):
            rule = "AWS's guardrail IDs have lower-case letters and digits only"
            yield f"`{text}` is not valid: {rule}; give AWS's ID with --map {name}=ID"


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list):
        for one in value.values() if isinstance(value, Mapping) else value:
            yield from _texts(one)


def _statement(statement: Mapping[str, Any], name: str, changes: list[str], lost: list[str]) -> Iterator[dict[str, Any]]:
    if "NotAction" in statement:
        yield from _not_action(statement, name, changes, lost)
        return
    actions = _list(statement["Action"])
    exact = [one for one in actions if one.lower() == ARTICLE.lower()]
    wild = [one for one in actions if one not in exact and _matches(one, ARTICLE)]
    plain = [one for one in actions if one.lower() in _PLAIN]
    rest = [one for one in actions if one not in exact and one not in plain]
    if rest:
        yield {**statement, "Action": _short(rest)}
    if plain:
        yield from _unguarded(statement, plain, name, changes, lost)
    is_everywhere = "*" in _list(statement.get("Resource", "*")) and "NotResource" not in statement
    covers_calls = all(any(_matches(one, action) for one in wild) for action in INFERENCE)
    if exact or (wild and not (is_everywhere and covers_calls)):
        made = list(_guarded(statement, name, lost))
        changes.append(f"{name}: `{ARTICLE}` became {_named(dict.fromkeys(a for one in made for a in _list(one['Action'])))}")
        yield from made
    elif wild and statement["Effect"] == "Allow" and not any(_matches(one, APPLY) for one in wild):
        changes.append(f"{name}: a guarded call also needs `{APPLY}`, which {_named(wild)} does not cover")
        yield _apply(statement, "*")


def _matches(pattern: str, action: str) -> bool:
    return bool(compile_pattern(pattern.lower())(action.lower()))


def _unguarded(
    statement: Mapping[str, Any], actions: list[str], name: str, changes: list[str], lost: list[str]
) -> Iterator[dict[str, Any]]:
    """Yield the statement for calls without a guardrail."""
    made = {**statement, "Action": _short(actions)}
    resources = _list(statement.get("Resource", "*"))
    models = [one for one in resources if _GUARDRAIL not in one]
    if "NotResource" not in statement and len(models) < len(resources):
        if not models:
            lost.append(f"{name}: {_named(actions)} on a guardrail has no effect, because AWS authorizes it on models")
            return
        made["Resource"] = _short(models)
    if GUARDRAIL_KEY.lower() in _keys(statement):
        yield made
        return
    verb = "applies" if len(actions) == 1 else "apply"
    changes.append(f"{name}: {_named(actions)} {verb} to calls without a guardrail, so it got the condition Null {GUARDRAIL_KEY}")
    yield _with(made, "Null", GUARDRAIL_KEY, "true")


def _not_action(statement: Mapping[str, Any], name: str, changes: list[str], lost: list[str]) -> Iterator[dict[str, Any]]:
    """
    Yield the statements for a statement with NotAction.

    The inference actions and the article's action move into a statement with Action, unless it covers all or none of them.
    """
    left_out = _list(statement["NotAction"])
    covered = [one for one in (*INFERENCE, ARTICLE) if not any(_matches(each, one) for each in left_out)]
    rest = {key: value for key, value in statement.items() if key != "NotAction"}
    added: tuple[str, ...] = () if len(covered) in (0, len(INFERENCE) + 1) else INFERENCE
    if statement["Effect"] == "Deny" and ARTICLE not in covered and not any(_matches(one, APPLY) for one in left_out):
        added = (*added, APPLY)
    added = tuple(one for one in added if not any(_matches(each, one) for each in left_out))
    kept = [one for one in left_out if one.lower() != ARTICLE.lower()]
    if added:
        changes.append(f"{name}: NotAction also leaves out {_named(added)}")
    yield {**statement, "NotAction": _short([*kept, *added])} if added or kept else dict(statement)
    if covered and len(covered) <= len(INFERENCE):
        yield from _statement({**rest, "Action": covered}, name, changes, lost)


def _guarded(statement: Mapping[str, Any], name: str, lost: list[str]) -> Iterator[dict[str, Any]]:
    """Yield the statements for calls with a guardrail."""
    if "NotResource" in statement:
        yield from _all_but(statement, name, lost)
        return
    resources = _list(statement.get("Resource", "*"))
    guardrails = [one for one in resources if _GUARDRAIL in one]
    versioned = [one for one in guardrails if ":" in one.partition(_GUARDRAIL)[2]]
    ending = "has a version, but AWS's guardrail ARNs have none; the version became a condition"
    lost += [f"{name}: the resource `{one}` {ending}" for one in versioned]
    models = [one for one in resources if _GUARDRAIL not in one]
    base = {key: value for key, value in statement.items() if key not in ("Action", "Resource")}
    invoke = {**base, "Action": list(INFERENCE), "Resource": _short(models) if models else "*"}
    if GUARDRAIL_KEY.lower() not in _keys(statement):
        if guardrails:
            values = [value for one in guardrails for value in _key_values(one)]
            invoke = _with(invoke, "StringLike", GUARDRAIL_KEY, values)
        else:
            invoke = _with(invoke, "Null", GUARDRAIL_KEY, "false")
    tags = [key for key in _keys(statement) if key.startswith("aws:resourcetag/")]
    if tags and statement["Effect"] == "Allow":
        invoke = _without(invoke, "aws:resourcetag/")  # the tags are those of the guardrail; ApplyGuardrail tests them
    elif tags:
        lost.append(f"{name}: a Deny of inference cannot test the tags of the guardrail; it denies `{APPLY}` instead")
        yield {**_without({**base, "Action": APPLY, "Resource": _short(guardrails) or "*"}, GUARDRAIL_KEY.lower())}
        return
    yield invoke
    if statement["Effect"] == "Allow":
        arns = [one.partition(_GUARDRAIL)[0] + _GUARDRAIL + one.partition(_GUARDRAIL)[2].partition(":")[0] for one in guardrails]
        arns = arns or list(dict.fromkeys(_arns_of_condition(statement)))
        yield _apply(statement, _short(arns) if arns else "*")


def _apply(statement: Mapping[str, Any], resource: Any) -> dict[str, Any]:
    """Return the statement that grants ApplyGuardrail under the other conditions of a statement."""
    sid = {"Sid": f"{statement['Sid']}Apply"} if statement.get("Sid") else {}
    return _without({**statement, **sid, "Action": APPLY, "Resource": resource}, GUARDRAIL_KEY.lower())


def _all_but(statement: Mapping[str, Any], name: str, lost: list[str]) -> Iterator[dict[str, Any]]:
    """Yield the statements for calls with guardrails other than those of NotResource."""
    guardrails = _list(statement["NotResource"])
    if GUARDRAIL_KEY.lower() in _keys(statement) or not all(_GUARDRAIL in one for one in guardrails):
        lost.append(f"{name}: NotResource with resources other than guardrails cannot be translated; the statement is unchanged")
        yield dict(statement)
        return
    base = {key: value for key, value in statement.items() if key not in ("Action", "NotResource")}
    values = [value for one in guardrails for value in _key_values(one)]
    invoke = _with({**base, "Action": list(INFERENCE), "Resource": "*"}, "StringNotLike", GUARDRAIL_KEY, values)
    yield _with(invoke, "Null", GUARDRAIL_KEY, "false")
    if statement["Effect"] == "Allow":
        sid = {"Sid": f"{statement['Sid']}Apply"} if statement.get("Sid") else {}
        yield {**base, **sid, "Action": APPLY, "NotResource": statement["NotResource"]}


def _key_values(arn: str) -> list[str]:
    """Return the values of the guardrail key for a guardrail resource: every version and the DRAFT, or the named version."""
    return [arn] if ":" in arn.partition(_GUARDRAIL)[2] else [arn, f"{arn}:*"]


def _arns_of_condition(statement: Mapping[str, Any]) -> Iterator[str]:
    for operator, lines in (statement.get("Condition") or {}).items():
        for key, values in lines.items():
            if key.lower() == GUARDRAIL_KEY.lower() and "Not" not in operator and operator != "Null":
                for value in _list(values):
                    head, found, name = value.partition(_GUARDRAIL)
                    if found:
                        yield f"{head}{_GUARDRAIL}{name.partition(':')[0]}"


def _keys(statement: Mapping[str, Any]) -> list[str]:
    return [key.lower() for lines in (statement.get("Condition") or {}).values() for key in lines]


def _with(statement: dict[str, Any], operator: str, key: str, values: Any) -> dict[str, Any]:
    condition = dict(statement.get("Condition") or {})
    condition[operator] = {**condition.get(operator, {}), key: values}
    return {**statement, "Condition": condition}


def _without(statement: dict[str, Any], prefix: str) -> dict[str, Any]:
    """Remove the condition lines of some keys."""
    kept = {
        operator: {key: value for key, value in lines.items() if not key.lower().startswith(prefix)}
        for operator, lines in (statement.get("Condition") or {}).items()
    }
    condition = {operator: lines for operator, lines in kept.items() if lines}
    rest = {key: value for key, value in statement.items() if key != "Condition"}
    return {**rest, "Condition": condition} if condition else rest


def _unique_sids(statements: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    taken: dict[str, int] = {}
    unique = []
    for statement in statements:
        sid = statement.get("Sid")
        if sid:
            taken[sid] = taken.get(sid, 0) + 1
            statement = {**statement, "Sid": sid if taken[sid] == 1 else f"{sid}{taken[sid]}"}  # noqa: PLW2901  # a copy
        unique.append(statement)
    return unique


def _list(value: Any) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else [str(value)]


def _short(values: list[str]) -> Any:
    return values[0] if len(values) == 1 else values


def _named(actions: Iterable[str]) -> str:
    *most, last = (f"`{one}`" for one in actions)
    return f"{', '.join(most)} and {last}" if most else last


# -- the check by the engine ----------------------------------------------------------------------------------------------


def _differences(original: Mapping[str, Any], translated: Mapping[str, Any], policy_type: PolicyType) -> Iterator[str]:
    """
    Compare what both policies decide, for every inference operation, with and without each guardrail.

    A Deny only restricts what other policies allow, so it is compared together with an Allow for everything. Without the Allow,
    both policies would deny every call.
    """
    effects = {statement["Effect"] for statement in _statements(original)}
    for beside in ([], [_FULL_ALLOW]):
        if ("Deny" if beside else "Allow") in effects:
            before, after = (_policy_set(one, beside, policy_type) for one in (original, translated))
            yield from _compare(original, translated, before, after)


def _policy_set(document: Mapping[str, Any], beside: Sequence[Mapping[str, Any]], policy_type: PolicyType) -> PolicySet:
    policy = {**document, "Statement": [*_statements(document), *beside]}
    if policy_type == "identity":
        return PolicySet(identity=policy)
    everything = {"Version": "2012-10-17", "Statement": [_FULL_ALLOW]}
    given: Any = [[policy]] if policy_type == "scp" else policy
    return PolicySet(identity=everything, **{policy_type: given})


def _compare(original: Mapping[str, Any], translated: Mapping[str, Any], before: PolicySet, after: PolicySet) -> Iterator[str]:
    texts = list(dict.fromkeys((*_texts(original), *_texts(translated))))
    guardrails = [*dict.fromkeys(arn for text in texts for arn in _samples(text)), (_OTHER, f"{_OTHER}:1")]
    models = [*dict.fromkeys(text.replace("*", "sample") for text in texts if ":foundation-model/" in text), _MODEL]
    names_models = len(models) > 1
    needs_both = any(_names_both(statement) for statement in _statements(original))
    versioned = {text for statement in _statements(original) for text in _list(statement.get("Resource", [])) if _version(text)}
    actions = {row.name: row.required_actions[0].iam_action for row in TABLE if row.inference}
    for operation, action in actions.items():
        if action not in INFERENCE:
            continue
        for model in models:
            if _outcome(before, action, model) != _outcome(after, action, model):
                yield f"{operation} without a guardrail on `{model}`: {_pair(before, after, action, model)}"
            for arn, value in guardrails:
                named = (arn, value) if versioned else (arn,)
                old = _guarded_outcome(before, named, value, model if names_models else "", needs_both=needs_both)
                new = max(_outcome(after, action, model, value), _outcome(after, APPLY, arn))
                if old != new:
                    yield f"{operation} with `{value}` on `{model}`: {_word(old)} before, {_word(new)} after"


def _samples(text: str) -> Iterator[tuple[str, str]]:
    """Yield ARNs of guardrails that a string names, with values of the guardrail key."""
    head, found, name = text.partition(_GUARDRAIL)
    if found and head.startswith("arn:") and "${" not in text:
        identifier, _, version = name.partition(":")
        region = head.split(":")
        concrete = ":".join(
            part.replace("*", ("", "aws", "bedrock", "us-east-1", "123456789012")[i]) for i, part in enumerate(region)
        )
        arn = f"{concrete}{_GUARDRAIL}{identifier.replace('*', 'sample')}"
        yield arn, arn
        yield arn, f"{arn}:{version.replace('*', '1') or '1'}"
        yield arn, f"{arn}:99"


def _decide(policies: PolicySet, action: str, resource: str, guardrail: str | None = None) -> str:
    context = {} if guardrail is None else {GUARDRAIL_KEY: guardrail}
    unknown = sorted(key for key in policies.reads if key != GUARDRAIL_KEY.lower())
    return policies.evaluate(Request(_ALLOWED_CALLER, action, resource, context, unknown)).outcome


def _outcome(policies: PolicySet, action: str, resource: str, guardrail: str | None = None) -> int:
    return _RANK[_decide(policies, action, resource, guardrail)]


def _guarded_outcome(policies: PolicySet, guardrail: tuple[str, ...], value: str, model: str, *, needs_both: bool) -> int:
    """
    Decide a guarded call in the article's vocabulary.

    In the article, the resources of the action are guardrails, or models with a condition. If the policy names models, the
    guardrail and the model are both evaluated. One grant is enough unless a statement lists both; an explicit denial of either
    takes precedence.

    Args:
        policies: The policy.
        guardrail: ARN of the guardrail; also with the version, if the policy names versions as resources.
        value: Value of the guardrail key.
        model: ARN of the model; ``""`` if the policy names no model.
        needs_both: Whether the guardrail and the model must be granted.
    """
    on_guardrail = [_decide(policies, ARTICLE, one, value) for one in guardrail]
    on_model = [_decide(policies, ARTICLE, model, value)] if model else []
    if "explicitDeny" in (*on_guardrail, *on_model):
        return _RANK["explicitDeny"]
    ranks = [min(_RANK[one] for one in each) for each in (on_guardrail, on_model) if each]
    return max(ranks) if needs_both else min(ranks)


def _version(arn: str) -> str:
    """Return the version of a guardrail ARN; ``""`` if it has none."""
    return arn.partition(_GUARDRAIL)[2].partition(":")[2]


def _statements(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    listed = document["Statement"]
    return listed if isinstance(listed, list) else [listed]


def _names_both(statement: Mapping[str, Any]) -> bool:
    """Return whether a statement of the article's action lists guardrails and models."""
    kinds = {_GUARDRAIL in one for one in _list(statement.get("Resource", []))}
    return len(kinds) > 1 and any(_matches(one, ARTICLE) for one in _list(statement.get("Action", [])))


def _pair(before: PolicySet, after: PolicySet, action: str, model: str) -> str:
    return f"{_word(_outcome(before, action, model))} before, {_word(_outcome(after, action, model))} after"


def _word(rank: int) -> str:
    return ("allowed", "open", "denied")[rank]
