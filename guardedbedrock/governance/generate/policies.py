"""
The generated policies, each checked by the engine before it is written.

Source: Bedrock User Guide, "Set up permissions to use guardrails for content filtering"; IAM User Guide, "Controlling access to
AWS resources using tags".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from guardedbedrock.bedrock.actions import APPLY, GUARDRAIL_KEY, INFERENCE, INVOKE
from guardedbedrock.bedrock.guardrail.backstop import backstop
from guardedbedrock.bedrock.resources.models import GEOGRAPHIES
from guardedbedrock.bedrock.resources.resource_types import name_in
from guardedbedrock.errors import ConfigurationError
from guardedbedrock.governance.generate.artifact import Artifact, managed_policy, organization_policy
from guardedbedrock.governance.generate.inputs import Inputs
from guardedbedrock.iam import PolicySet, PolicyType, Request, findings

MANAGEMENT: Final = (
    "bedrock:CreateGuardrail",
    "bedrock:CreateGuardrailVersion",
    "bedrock:DeleteEnforcedGuardrailConfiguration",
    "bedrock:DeleteGuardrail",
    "bedrock:DeleteResourcePolicy",
    "bedrock:PutEnforcedGuardrailConfiguration",
    "bedrock:PutResourcePolicy",
    "bedrock:UpdateGuardrail",
)
_READS: Final = (
    "bedrock:GetGuardrail",
    "bedrock:GetModelInvocationLoggingConfiguration",
    "bedrock:GetResourcePolicy",
    "bedrock:ListEnforcedGuardrailsConfiguration",
    "bedrock:ListGuardrails",
    "bedrock:ListInferenceProfiles",
    "bedrock:ListTagsForResource",
)
READS_OF_PERMISSIONS: Final = (
    "iam:GenerateServiceLastAccessedDetails",
    "iam:GetAccountAuthorizationDetails",
    "iam:GetServiceLastAccessedDetails",
    "organizations:DescribeOrganization",
    "organizations:DescribePolicy",
    "organizations:ListParents",
    "organizations:ListPoliciesForTarget",
)
"""Actions that read the permissions of principals, for the auditor and for the Config rule."""
_FULL: Final = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
_BOUNDARY: Final = "bedrock-boundary"
_POLICY_CHANGES: Final = ("CreatePolicyVersion", "DeletePolicy", "DeletePolicyVersion", "SetDefaultPolicyVersion")
_SAMPLE: Final = "acme.sample-v1:0"
_PROFILE: Final = "application-inference-profile/"
_PROFILE_ARN: Final = re.compile(r"arn:[^:]*:bedrock:[^:]*:[^:]*:(?:application-)?inference-profile/.+")
_GEOGRAPHIES: Final = GEOGRAPHIES | {"global"}


def _document(statements: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [dict(statement) for statement in statements]}


def _model_arns(inputs: Inputs) -> list[str]:
    """
    Return the models of the approved guardrails; every foundation model if a guardrail is for all models.

    An inference profile is replaced by its models, because AWS also authorizes the models.

    Raises:
        ConfigurationError: The models of a profile are not known.
    """
    if any(not guardrail.models for guardrail in inputs.guardrails):
        return [_foundation_model(inputs, "*")]
    patterns = (pattern for guardrail in inputs.guardrails for pattern in guardrail.models)
    return list(dict.fromkeys(arn for pattern in patterns for arn in _models_of(inputs, pattern)))


def _models_of(inputs: Inputs, pattern: str) -> Iterable[str]:
    """Return the ARNs of the models that a pattern of the configuration names."""
    known = inputs.resolved_models.get(pattern)
    if known is not None:
        return [one if one.startswith("arn:") else _foundation_model(inputs, one) for one in known]
    name = name_in(pattern)
    label, _, model = name.partition(".")
    if label in _GEOGRAPHIES and (not pattern.startswith("arn:") or ":inference-profile/" in pattern):
        return [_foundation_model(inputs, model)]
    if _PROFILE in pattern:
        raise ConfigurationError(f"the models of `{pattern}` are not known; add them to [profiles]")
    return [pattern if pattern.startswith("arn:") else _foundation_model(inputs, pattern)]


def _profile_arns(inputs: Inputs) -> list[str]:
    """Return the profiles that an application may use: those of its account, and those that the configuration names by ARN."""
    own = f"arn:{inputs.partition}:bedrock:*:{inputs.caller_account}:"
    named = (pattern for one in inputs.guardrails for pattern in one.models if _PROFILE_ARN.fullmatch(pattern))
    others = (arn for arn in named if arn.split(":")[4] != inputs.caller_account)
    return [*(f"{own}{kind}/*" for kind in ("application-inference-profile", "inference-profile")), *dict.fromkeys(others)]


def _foundation_model(inputs: Inputs, model: str) -> str:
    return f"arn:{inputs.partition}:bedrock:*::foundation-model/{model}"


def _guardrail_arns(inputs: Inputs) -> list[str]:
    """Return the guardrails, and the guardrail profiles of those that run in several regions."""
    arns = dict.fromkeys(guardrail.arn for guardrail in inputs.guardrails)
    for guardrail in inputs.guardrails:
        if guardrail.profile:
            name = guardrail.profile.rpartition("/")[2]
            arns[f"arn:{inputs.partition}:bedrock:*:{guardrail.arn.split(':')[4]}:guardrail-profile/{name}"] = None
    return list(arns)


def _keys(inputs: Inputs) -> list[str]:
    return sorted({guardrail.key for guardrail in inputs.guardrails})


def _backstop(inputs: Inputs) -> Sequence[Mapping[str, Any]]:
    made = backstop(inputs.guardrails, api_keys="short-term", unguarded_models=inputs.unguarded_models)
    statements: Sequence[Mapping[str, Any]] = made["Statement"]
    return statements


# -- the policies ---------------------------------------------------------------------------------------------------------


def invoke_policy(inputs: Inputs) -> Artifact:
    """Return the policy of an application: it may call models, but only with an approved guardrail."""
    statements: list[Mapping[str, Any]] = [
        {
            "Sid": "InvokeWithApprovedGuardrail",
            "Effect": "Allow",
            "Action": list(INFERENCE),
            "Resource": _model_arns(inputs),
            "Condition": {"StringEquals": {GUARDRAIL_KEY: _keys(inputs)}},
        },
        {"Sid": "UseInferenceProfiles", "Effect": "Allow", "Action": list(INFERENCE), "Resource": _profile_arns(inputs)},
        {
            "Sid": "ApplyApprovedGuardrails",
            "Effect": "Allow",
            "Action": APPLY,
            "Resource": _guardrail_arns(inputs),
        },
    ]
    if inputs.configured_unguarded:
        arns = [f"arn:{inputs.partition}:bedrock:*::foundation-model/{one}" for one in inputs.configured_unguarded]
        statements.append({"Sid": "InvokeModelsWithoutGuardrail", "Effect": "Allow", "Action": INVOKE, "Resource": arns})
    document = _document([*statements, *_backstop(inputs)])
    policies = PolicySet(identity=document)
    _require_guarded(policies, inputs, "invoke-policy")
    _require_denied(policies, _management_calls(inputs), "invoke-policy")
    return _checked(managed_policy("invoke-policy", document, "Call models with an approved guardrail."), "identity")


def manage_policy(inputs: Inputs) -> Artifact:
    """Return the policy of an administrator: guardrails of the same team, by tag, and no inference."""
    owner = f"${{aws:PrincipalTag/{inputs.tag_key}}}"
    every = f"arn:{inputs.partition}:bedrock:*:{inputs.account}:guardrail/*"
    request_tag, resource_tag = f"aws:RequestTag/{inputs.tag_key}", f"aws:ResourceTag/{inputs.tag_key}"
    document = _document(
        [
            {
                "Sid": "CreateWithOwnTag",
                "Effect": "Allow",
                "Action": "bedrock:CreateGuardrail",
                "Resource": "*",
                "Condition": {"StringEquals": {request_tag: owner}},
            },
            {
                "Sid": "TagWithOwnTag",
                "Effect": "Allow",
                "Action": "bedrock:TagResource",
                "Resource": every,
                "Condition": {"StringEquals": {request_tag: owner}},
            },
            {
                "Sid": "ManageGuardrailsOfTheTeam",
                "Effect": "Allow",
                "Action": [
                    f"bedrock:{verb}" for verb in ("CreateGuardrailVersion", "DeleteGuardrail", "GetGuardrail", "UpdateGuardrail")
                ],
                "Resource": every,
                "Condition": {"StringEquals": {resource_tag: owner}},
            },
            {
                "Sid": "ListGuardrails",
                "Effect": "Allow",
                "Action": ["bedrock:ListGuardrails", "bedrock:ListTagsForResource"],
                "Resource": "*",
            },
            {
                "Sid": "DenyTaggingOfOtherTeams",
                "Effect": "Deny",
                "Action": "bedrock:TagResource",
                "Resource": every,
                "Condition": {"StringNotEquals": {resource_tag: owner}, "Null": {resource_tag: "false"}},
            },
            {"Sid": "DenyInference", "Effect": "Deny", "Action": list(INFERENCE), "Resource": "*"},
        ]
    )
    policies = PolicySet(identity=document)
    _require_denied(policies, _inference_calls(inputs, None), "manage-policy")
    _require_denied(policies, _inference_calls(inputs, inputs.guardrails[0].key), "manage-policy")
    team = f"aws:PrincipalTag/{inputs.tag_key}"
    arn = inputs.guardrails[0].arn
    own, other = {team: "hr", resource_tag: "hr"}, {team: "hr", resource_tag: "finance"}
    _require(policies, _Call("bedrock:UpdateGuardrail", arn, own), "allowed", "manage-policy")
    for action in ("bedrock:UpdateGuardrail", "bedrock:DeleteGuardrail"):
        _require(policies, _Call(action, arn, other), "denied", "manage-policy")
    _require(policies, _Call("bedrock:CreateGuardrail", "*", {team: "hr", request_tag: "hr"}), "allowed", "manage-policy")
    _require(policies, _Call("bedrock:CreateGuardrail", "*", {team: "hr"}), "denied", "manage-policy")
    _require(policies, _Call("bedrock:TagResource", arn, {**other, request_tag: "hr"}), "denied", "manage-policy")
    _require(policies, _Call("bedrock:UntagResource", arn, own), "denied", "manage-policy")
    return _checked(managed_policy("manage-policy", document, "Manage the guardrails of one team, by tag."), "identity")


def audit_policy(inputs: Inputs) -> Artifact:
    """Return the policy of an auditor: read guardrails, their use, and the permissions of principals."""
    document = _document(
        [
            {"Sid": "ReadGuardrails", "Effect": "Allow", "Action": list(_READS), "Resource": "*"},
            {
                "Sid": "ReadPermissions",
                "Effect": "Allow",
                "Action": list(READS_OF_PERMISSIONS),
                "Resource": "*",
            },
            {
                "Sid": "ReadEvents",
                "Effect": "Allow",
                "Action": ["cloudtrail:LookupEvents", "config:GetComplianceDetailsByConfigRule"],
                "Resource": "*",
            },
            {"Sid": "DenyChangesAndInference", "Effect": "Deny", "Action": [*INFERENCE, *MANAGEMENT], "Resource": "*"},
        ]
    )
    policies = PolicySet(identity=document)
    _require_denied(policies, _management_calls(inputs), "audit-policy")
    _require_denied(policies, _inference_calls(inputs, inputs.guardrails[0].key), "audit-policy")
    _require(policies, _Call("bedrock:GetGuardrail", inputs.guardrails[0].arn, {}), "allowed", "audit-policy")
    return _checked(managed_policy("audit-policy", document, "Read guardrails and permissions."), "identity")


def boundary(inputs: Inputs) -> Artifact:
    """
    Return a permissions boundary: inference only with an approved guardrail, and no change of guardrails or of the boundary.

    The boundary denies changes of itself. A policy can refer to its own ARN only by a fixed name, `_BOUNDARY`.
    """
    document = _document(
        [
            {"Sid": "AllowEverythingElse", "Effect": "Allow", "Action": "*", "Resource": "*"},
            *_backstop(inputs),
            {"Sid": "DenyGuardrailChanges", "Effect": "Deny", "Action": [*MANAGEMENT, "bedrock:UntagResource"], "Resource": "*"},
            {"Sid": "DenyCreationOfApiKeys", "Effect": "Deny", "Action": "iam:CreateServiceSpecificCredential", "Resource": "*"},
            {
                "Sid": "DenyRemovalOfTheBoundary",
                "Effect": "Deny",
                "Action": [f"iam:{verb}{kind}PermissionsBoundary" for verb in ("Delete", "Put") for kind in ("Role", "User")],
                "Resource": "*",
            },
            {
                "Sid": "DenyChangesOfTheBoundary",
                "Effect": "Deny",
                "Action": [f"iam:{verb}" for verb in _POLICY_CHANGES],
                "Resource": f"arn:{inputs.partition}:iam::*:policy/{_BOUNDARY}",
            },
        ]
    )
    policies = PolicySet(identity=_FULL, boundary=document)
    own = f"arn:{inputs.partition}:iam::{inputs.caller_account}:policy/"
    _require_denied(policies, [_Call(f"iam:{verb}", f"{own}{_BOUNDARY}", {}) for verb in _POLICY_CHANGES], "boundary")
    _require_guarded(policies, inputs, "boundary")
    _require_denied(policies, _management_calls(inputs), "boundary")
    made = managed_policy("boundary", document, "Permissions boundary for callers of Bedrock.", has_fixed_name=True)
    return _checked(made, "boundary")


def scp(inputs: Inputs) -> Artifact:
    """Return an SCP: guardrail and owner tag required, no bedrock-mantle, no long-term API keys."""
    document = _document(
        [
            *_backstop(inputs),
            {
                "Sid": "DenyGuardrailsWithoutOwner",
                "Effect": "Deny",
                "Action": "bedrock:CreateGuardrail",
                "Resource": "*",
                "Condition": {"Null": {f"aws:RequestTag/{inputs.tag_key}": "true"}},
            },
            {
                "Sid": "DenyRemovalOfTheOwner",
                "Effect": "Deny",
                "Action": "bedrock:UntagResource",
                "Resource": f"arn:{inputs.partition}:bedrock:*:*:guardrail/*",
                "Condition": {"ForAnyValue:StringEquals": {"aws:TagKeys": [inputs.tag_key]}},
            },
        ]
    )
    policies = PolicySet(identity=_FULL, scp=[[_FULL, document]])
    _require_guarded(policies, inputs, "scp")
    _require(policies, _Call("bedrock:CreateGuardrail", "*", {}), "denied", "scp")
    _require(policies, _Call("bedrock:CreateGuardrail", "*", {f"aws:RequestTag/{inputs.tag_key}": "hr"}), "allowed", "scp")
    _require(
        policies, _Call("bedrock:UntagResource", inputs.guardrails[0].arn, {"aws:TagKeys": (inputs.tag_key,)}), "denied", "scp"
    )
    _require(policies, _Call("bedrock-mantle:CreateInference", "*", {}), "denied", "scp")
    _require(policies, _Call("bedrock:CallWithBearerToken", "*", {"bedrock:BearerTokenType": "LONG_TERM"}), "denied", "scp")
    made = organization_policy("scp", document, "SERVICE_CONTROL_POLICY", "Model calls need an approved guardrail.")
    return _checked(made, "scp")


# -- the checks -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Call:
    action: str
    resource: str
    context: Mapping[str, Any]


def _inference_calls(inputs: Inputs, guardrail: str | None) -> list[_Call]:
    """Return a call of every configured model in every region of a guardrail."""
    context = {} if guardrail is None else {GUARDRAIL_KEY: guardrail}
    models = [arn for pattern in _model_arns(inputs) for arn in _in_each_region(inputs, pattern)]
    return [_Call(action, arn, context) for action in INFERENCE for arn in models]


def _profile_calls(inputs: Inputs, guardrail: str) -> list[_Call]:
    """Return a call of every configured profile, or of a sample profile if a guardrail is for every model."""
    patterns = [pattern for one in inputs.guardrails for pattern in one.models or (f"us.{_SAMPLE}",)]
    own = f"arn:{inputs.partition}:bedrock:*:{inputs.caller_account}:inference-profile/"
    arns = [one for one in patterns if _PROFILE_ARN.fullmatch(one)]
    arns += [f"{own}{one}" for one in patterns if one.partition(".")[0] in _GEOGRAPHIES]
    samples = dict.fromkeys(arn for pattern in arns for arn in _in_each_region(inputs, pattern))
    return [_Call(action, arn, {GUARDRAIL_KEY: guardrail}) for action in INFERENCE for arn in samples]


def _in_each_region(inputs: Inputs, pattern: str) -> list[str]:
    """Return an ARN that a pattern matches for each region of a guardrail."""
    head, partition, service, region, account, name = pattern.split(":", 5)
    regions = dict.fromkeys(one.region for one in inputs.guardrails) if "*" in region else {region: None}
    owner = account.replace("*", inputs.caller_account)
    return [":".join((head, partition, service, one, owner, name.replace("*", _SAMPLE).replace("?", "a"))) for one in regions]


def _unguarded_calls(inputs: Inputs) -> list[_Call]:
    """Return a call of every model that the configuration lists in `models_without_guardrail`."""
    patterns = (_foundation_model(inputs, one) for one in inputs.configured_unguarded)
    return [_Call(INVOKE, arn, {}) for pattern in patterns for arn in _in_each_region(inputs, pattern)]


def _management_calls(inputs: Inputs) -> list[_Call]:
    return [_Call(action, inputs.guardrails[0].arn, {}) for action in MANAGEMENT]


def _require_guarded(policies: PolicySet, inputs: Inputs, name: str) -> None:
    """
    Require that the configured calls are allowed, and that calls without an approved guardrail are denied.

    The denied calls are those without a guardrail, with another guardrail, with another version of an approved guardrail, and
    with its DRAFT.
    """
    approved = set(_keys(inputs))
    for guardrail in inputs.guardrails:
        for call in (*_inference_calls(inputs, guardrail.key), *_profile_calls(inputs, guardrail.key)):
            _require(policies, call, "allowed", name)
        for other in {f"{guardrail.arn}0:1", f"{guardrail.arn}:99999999", guardrail.arn} - approved:
            _require_denied(policies, _inference_calls(inputs, other), name)
    for arn in _guardrail_arns(inputs):
        _require(policies, _Call(APPLY, arn.replace(":*:", f":{inputs.guardrails[0].region}:"), {}), "allowed", name)
    for call in _unguarded_calls(inputs):
        _require(policies, call, "allowed", name)
    _require_denied(policies, _inference_calls(inputs, None), name)


def _require_denied(policies: PolicySet, calls: Iterable[_Call], name: str) -> None:
    for call in calls:
        _require(policies, call, "denied", name)


def _require(policies: PolicySet, call: _Call, expected: str, name: str) -> None:
    """Raise if the engine decides otherwise, because of a configuration that the generator does not handle."""
    owner = call.resource.split(":")[4] if call.resource.startswith("arn:") else ""
    principal = f"arn:aws:iam::{owner or '123456789012'}:role/Application"
    outcome = policies.evaluate(Request(principal, call.action, call.resource, call.context)).outcome
    is_expected = outcome == "allowed" if expected == "allowed" else outcome in ("implicitDeny", "explicitDeny")
    if not is_expected:
        guardrail = call.context.get(GUARDRAIL_KEY)
        what = f" with {guardrail}" if guardrail else " without a guardrail" if call.action in INFERENCE else ""
        problem = f"the engine decides {outcome} for {call.action} on {call.resource}{what}, but it must be {expected}"
        fix = "compare `models` and `models_without_guardrail` in the configuration"
        raise ConfigurationError(f"{name}: {problem}, so the policy is not written; {fix}")


def _checked(artifact: Artifact, policy_type: PolicyType) -> Artifact:
    """Raise if AWS would not save the policy because of its size. An SCP is measured as it is written, with its white space."""
    found = findings(artifact.render("json") if artifact.is_compact else artifact.document, policy_type)
    if found:
        raise ConfigurationError(f"{artifact.name}: {found[0].message}; approve fewer guardrails in one configuration")
    return artifact
