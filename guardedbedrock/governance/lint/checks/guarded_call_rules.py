"""
Rules about guarded calls that fail: missing grants, and limits on regions.

Source: Bedrock User Guide, "Set up permissions to use guardrails for content filtering", "Prerequisites for inference profiles".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from guardedbedrock.bedrock.actions import APPLY, INFERENCE
from guardedbedrock.bedrock.resources.profile_data import GROUPS
from guardedbedrock.bedrock.resources.profiles import destinations
from guardedbedrock.governance.lint.checks.guardrail_rules import SHORTEST_ID, guardrail_values
from guardedbedrock.governance.lint.checks.sample_requests import (
    MODELS,
    OTHER_GUARDRAIL,
    REGIONS,
    is_possible,
    models_of,
    named_guardrails,
)
from guardedbedrock.governance.lint.finding import Problem
from guardedbedrock.governance.lint.policy import ConditionLine, Group, Item, LintedPolicy, LintedStatement
from guardedbedrock.iam import Request
from guardedbedrock.iam.matching.arns import split
from guardedbedrock.iam.matching.patterns import compile_pattern

_WILD: Final = frozenset("*?")
_REGION: Final = "aws:requestedregion"
_PROFILES: Final = ("inference-profile/", "application-inference-profile/")


def missing_apply(group: Group) -> Iterator[Problem]:
    """
    Find policies that require a guardrail for inference but do not grant ApplyGuardrail on it.

    Where the policies name no guardrail, such as with `Null`, a grant for any guardrail is enough.
    """
    if group.may_grant_more or not any(one.guardrail_lines for _, one in group.statements() if _requires_guardrail(one)):
        return
    wanted = sorted({arn for _, _, _, item in guardrail_values(group) for arn in [_guardrail_of(item.text)] if arn})
    has_grant = any(one.is_allow and one.covers(APPLY) for _, one in group.statements("identity"))
    for policy, statement in group.statements("identity"):
        if (
            not statement.is_allow
            or not any(map(statement.covers, INFERENCE))
            or next(models_of(statement, group.exempt_models), None) is None
        ):
            continue
        if not wanted and not has_grant:
            message = f"A guarded call also requires `{APPLY}` on the guardrail, which the policies do not grant."
            yield Problem(policy, statement.pointer, message)
            return
        for arn in wanted:
            if group.policy_set is not None and not is_possible(group, APPLY, arn):
                message = f"A guarded call also requires `{APPLY}` on `{arn}`, which the policies do not grant."
                yield Problem(policy, statement.pointer, message)
                return


def _requires_guardrail(statement: LintedStatement) -> bool:
    """Return whether the guardrail lines of a statement keep calls without a guardrail from being allowed."""
    lines = statement.guardrail_lines
    if not any(map(statement.covers, INFERENCE)):
        return False
    return any(not line.meets_absent for line in lines) if statement.is_allow else any(line.meets_absent for line in lines)


def _guardrail_of(value: str) -> str:
    """Return the ARN of the guardrail that a value of the guardrail key names."""
    parts = split(value)
    if parts is None or not parts[5].startswith("guardrail/"):
        return ""
    name = parts[5].partition(":")[0].removeprefix("guardrail/")
    literal = re.split(r"[*?]", name, maxsplit=1)[0]
    if len(literal) < SHORTEST_ID or _WILD & set(parts[4]):
        return ""
    region = "us-east-1" if _WILD & set(parts[3]) else parts[3]
    return ":".join((parts[0], parts[1].replace("*", "aws"), "bedrock", region, parts[4], f"guardrail/{literal}"))


def always_denied(group: Group) -> Iterator[Problem]:
    """Find an Allow of inference that other statements of the group deny with every guardrail and without one."""
    values = (None, *named_guardrails(group), OTHER_GUARDRAIL)
    for policy, statement in group.statements("identity"):
        models = tuple(models_of(statement, group.exempt_models))
        if not statement.is_allow or not models or group.policy_set is None:
            continue
        actions = tuple(filter(statement.covers, INFERENCE))
        if actions and not any(is_possible(group, action, arn, one) for action in actions for arn in models for one in values):
            message = f"The Allow of `{actions[0]}` has no effect: every call is denied, with each guardrail and without one."
            yield Problem(policy, statement.pointer, message)


def guardrail_profile(group: Group) -> Iterator[Problem]:
    """Find grants of ApplyGuardrail that leave out the guardrail profile, or regions that the profile routes to."""
    if group.may_grant_more:
        return
    grants = [(policy, one) for policy, one in group.statements("identity") if one.is_allow and one.covers(APPLY)]
    profiles = [item for _, one in grants for item in one.resources if ":guardrail-profile/" in item.text]
    for policy, statement in grants:
        guardrails = [item for item in statement.resources if ":guardrail/" in item.text and _crosses(policy, item)]
        if guardrails and not profiles and not any(_is_open(one) for one in statement.resources):
            message = "The guardrail uses a guardrail profile, on which the policies do not grant ApplyGuardrail."
            fix = "Add `arn:aws:bedrock:*:ACCOUNT:guardrail-profile/*` to the resources."
            yield Problem(policy, guardrails[0].pointer, message, fix)
        for item in statement.resources:
            parts = split(item.text)
            if parts is not None and parts[5].startswith("guardrail-profile/") and parts[3] and not _WILD & set(parts[3]):
                regions = {one.text.split(":")[3] for one in profiles}
                if len(regions) == 1:
                    message = f"`{item.text}` is granted in one region, and a guardrail profile routes to several."
                    fixed = ":".join((*parts[:3], "*", *parts[4:]))
                    yield Problem(policy, item.pointer, message, f"Write `{fixed}`.")


def _crosses(policy: LintedPolicy, guardrail: Item) -> bool:
    """Return whether the file says that a guardrail uses a guardrail profile."""
    matches = compile_pattern(guardrail.text)
    return any(arn == "*" or matches(arn) for arn in policy.cross_region)


def _is_open(item: Item) -> bool:
    return item.text == "*" or bool(_WILD & set(item.text.split(":", 5)[-1].partition("/")[0]))


def profile_without_models(group: Group) -> Iterator[Problem]:
    """Find inference profiles that are granted without their models in each region."""
    if group.may_grant_more:
        return
    for policy, statement in group.statements("identity"):
        if not statement.is_allow or statement.parsed.not_resource:
            continue
        for item in statement.resources:
            parts = split(item.text)
            if parts is None or not item.is_resolved or not parts[5].startswith(_PROFILES):
                continue
            for action in filter(statement.covers, INFERENCE):
                found = _missing_models(group, action, item, parts)
                if found is not None:
                    yield Problem(policy, item.pointer, *found)
                    break


def _missing_models(group: Group, action: str, item: Item, parts: Sequence[str]) -> tuple[str, str] | None:
    """Return what is wrong with the grant of a profile, and how to fix it."""
    kind, _, pattern = parts[5].partition("/")
    is_exact = kind == "inference-profile" and not _WILD & set(pattern)
    for profile in [pattern] if is_exact else _profiles(pattern):
        model = profile.partition(".")[2]
        needed = {one: _model_arn(parts[1], one, model) for one in _regions(profile, parts[3])}
        missing = [one for one, arn in needed.items() if not _granted(group, action, arn, item, one)]
        if missing and (is_exact or len(missing) < len(needed)):
            shown = ", ".join(one or "the global Region (empty Region in the ARN)" for one in missing)
            fix = f"Allow `{action}` on `arn:{parts[1]}:bedrock:*::foundation-model/{model}`."
            return f"The profile `{profile}` is granted without its model `{model}` in {shown}.", fix
    if is_exact or any(_granted(group, action, arn, item) for arn in _sample_models(group)):
        return None
    message = f"The profile `{item.text}` is granted, but no model is granted."
    return message, f"Allow `{action}` on the models of the profile, in each region."


def _profiles(pattern: str) -> list[str]:
    """Return the system-defined profiles that a pattern with a geography matches, such as ``us.*``; none for ``*``."""
    if "." not in re.split(r"[*?]", pattern, maxsplit=1)[0]:
        return []
    matches = compile_pattern(pattern)
    return [profile for group in GROUPS for profile in group.profiles if matches(profile)]


def _sample_models(group: Group) -> Iterator[str]:
    """Yield ARNs of models of every type, and of those that the group names."""
    yield from (sample.format(region=region) for sample in MODELS.values() for region in REGIONS)
    for _, statement in group.statements("identity"):
        yield from models_of(statement, group.exempt_models)


def _model_arn(partition: str, region: str, model: str) -> str:
    return f"arn:{partition}:bedrock:{region}::foundation-model/{model}"


def _regions(profile: str, source: str) -> tuple[str, ...]:
    """Return the regions whose models a profile needs; ``""`` is the global model of a global profile."""
    if profile.startswith("global."):
        return ("" if _WILD & set(source) else source, "")
    if not _WILD & set(source):
        return destinations(profile, source) or ()
    routes = next((group.routes for group in GROUPS if profile in group.profiles), {})
    return tuple(sorted({one for regions in routes.values() for one in regions}))


def _granted(group: Group, action: str, model: str, profile: Item | None = None, region: str | None = None) -> bool:
    """
    Return whether identity-based policies grant an action on a model, before any Deny.

    Args:
        group: The policies.
        action: The action.
        model: ARN of the model.
        profile: The profile that leads to the model; None for a call without a profile.
        region: Region of the model; ``""`` for the global model of a global profile; None for that of the ARN.
    """
    context: dict[str, str] = {"aws:RequestedRegion": (model.split(":")[3] if region is None else region) or "unspecified"}
    if profile is not None and not _WILD & set(profile.text):
        context["bedrock:InferenceProfileArn"] = profile.text
    unknown = sorted(group.grants.reads - {"aws:requestedregion", *(key.lower() for key in context)})
    return not group.grants.evaluate(Request(group.principal, action, model, context, unknown)).is_denied


def models_without_profile(group: Group) -> Iterator[Problem]:
    """Find models that are granted only for an inference profile which is not granted itself."""
    if group.may_grant_more:
        return
    for policy, statement in group.statements("identity"):
        lines = [line for line in statement.conditions if line.key.lower() == "bedrock:inferenceprofilearn" and not line.negated]
        if not statement.is_allow or not lines:
            continue
        for item in (item for line in lines for item in line.values if item.is_resolved and split(item.text)):
            arn = item.text.replace("*", "us-east-1", 1) if item.text.split(":")[3] == "*" else item.text
            arn = arn.replace("*", "sample").replace("?", "a")
            if any(statement.covers(action) and not _covered(group, action, arn) for action in INFERENCE):
                message = f"The models are granted only through `{item.text}`, and the policies do not grant that profile."
                yield Problem(policy, item.pointer, message)


def _covered(group: Group, action: str, resource: str) -> bool:
    """Return whether some Allow of identity-based policies covers an action on a resource."""
    return any(one.is_allow and one.covers(action) and one.reaches(resource) for _, one in group.statements("identity"))


def region_deny(group: Group) -> Iterator[Problem]:
    """Find region limits that stop cross-region inference: Denys, and the only Allow of an SCP, boundary or session policy."""
    for policy, statement in group.statements("scp", "identity", "boundary", "session"):
        lines = [line for line in statement.conditions if line.key.lower() == _REGION and line.name != "Null"]
        if not lines or not any(map(statement.covers, INFERENCE)) or (statement.is_allow and not _limits_regions(group, policy)):
            continue
        if any(line.key.lower() == "bedrock:inferenceprofilearn" for line in statement.conditions):
            continue
        for line in lines:
            broken = sorted(set(_broken(line, is_allow=statement.is_allow)))
            if broken:
                message = f"The region {statement.parsed.effect} stops cross-region inference: {'; '.join(broken[:3])}."
                yield Problem(policy, line.pointer, message)


def _limits_regions(group: Group, policy: LintedPolicy) -> bool:
    """
    Return whether an Allow with a region condition limits the regions.

    Only an SCP, a boundary or a session policy can limit, and only if no other Allow of its type lacks a region condition.
    """
    return policy.policy_type != "identity" and not any(
        one.is_allow and any(map(one.covers, INFERENCE)) and all(line.key.lower() != _REGION for line in one.conditions)
        for _, one in group.statements(policy.policy_type)
    )


def _broken(line: ConditionLine, *, is_allow: bool) -> Iterator[str]:
    """Yield the cross-region calls that a statement with the line stops, although it allows calls in the source region."""
    tests = [compile_pattern(item.text) for item in line.values]

    def open_to(region: str) -> bool:
        return any(matches(region) for matches in tests) is (line.negated is not is_allow)

    if not open_to("unspecified"):
        yield "global profiles are authorized with the region `unspecified`"
    for routes in (group.routes for group in GROUPS):
        for source, regions in routes.items():
            missing = [one for one in regions if not open_to(one)]
            if open_to(source) and missing:
                yield f"profiles of {source} also route to {', '.join(missing)}"
