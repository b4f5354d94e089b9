"""
Check the tables ``[[guardrail_definitions]]`` before they are written: AWS reports a wrong value only during the deployment.

The types, lengths, patterns and enumerations are those of CreateGuardrail in botocore's model. The keys are the properties of
CloudFormation in snake case, which differ from the API's members in a few cases.
Source: Amazon Bedrock API Reference, "CreateGuardrail"; AWS CloudFormation Template Reference, "AWS::Bedrock::Guardrail".
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from botocore import xform_name
from botocore.loaders import Loader

from guardedbedrock.errors import ConfigurationError
from guardedbedrock.governance.generate.inputs import check_reserved
from guardedbedrock.iam import parse
from guardedbedrock.iam.account.documents import read_document

RESOURCE_POLICY: Final = "resource_policy"
"""The key of the guardrail's resource-based policy, which is not a property of the guardrail."""
_TAGS: Final = "tags"
_OWN: Final = (RESOURCE_POLICY, _TAGS)
_REQUEST: Final = "CreateGuardrailRequest"
_CLOUDFORMATION: Final[Mapping[tuple[str, str], str | None]] = {
    (_REQUEST, "clientRequestToken"): None,
    (_REQUEST, "kmsKeyId"): "kms_key_arn",
    (_REQUEST, "tags"): None,
    ("GuardrailContentPolicyConfig", "tierConfig"): "content_filters_tier_config",
    ("GuardrailContextualGroundingPolicyConfig", "tierConfig"): None,
    ("GuardrailCrossRegionConfig", "guardrailProfileIdentifier"): "guardrail_profile_arn",
    ("GuardrailTopicPolicyConfig", "tierConfig"): "topics_tier_config",
}
"""Shape and member of the API to a key that differs from the member in snake case; None if CloudFormation has no such key."""


def check_definition(definition: Mapping[str, Any], location: str) -> None:
    """
    Check a table.

    Args:
        definition: The table.
        location: Its location in the configuration.

    Raises:
        ConfigurationError: AWS would reject a value, or a key is unknown.
        PolicySyntaxError: The resource-based policy is not valid.
    """
    _check_table(definition, _REQUEST, location, _OWN)
    _check_tags(definition.get(_TAGS, {}), f"{location}.{_TAGS}")
    if RESOURCE_POLICY in definition:
        name = f"{location}.{RESOURCE_POLICY}"
        if not isinstance(definition[RESOURCE_POLICY], str):
            raise ConfigurationError(f"{name}: must be the JSON text of a policy")
        parse(read_document(definition[RESOURCE_POLICY], name=name), "resource", name=name)


@cache  # made once: botocore's model of the service, which takes 40 ms to load
def _shapes() -> Mapping[str, Any]:
    shapes: Mapping[str, Any] = Loader().load_service_model("bedrock", "service-2")["shapes"]
    return shapes


def _check_tags(tags: Any, location: str) -> None:
    if not isinstance(tags, Mapping) or not all(isinstance(value, str) for value in tags.values()):
        raise ConfigurationError(f'{location}: must be a table of strings, as in {{ Team = "hr" }}')
    for key, value in tags.items():
        _check(key, "TagKey", location)
        check_reserved(key, location)
        _check(value, "TagValue", f"{location}.{key}")


def _check(value: Any, name: str, location: str) -> None:
    """Check a value against a shape of the model."""
    kind = _shapes()[name]["type"]
    if kind == "structure":
        _check_table(value, name, location)
    elif kind == "list":
        _check_array(value, name, location)
    elif kind == "string":
        _check_text(value, name, location)
    elif kind == "boolean":
        if not isinstance(value, bool):
            raise ConfigurationError(f"{location}: must be true or false")
    else:
        _check_number(value, name, location)


def _check_table(value: Any, name: str, location: str, more: tuple[str, ...] = ()) -> None:
    shape = _shapes()[name]
    named = {member: _CLOUDFORMATION.get((name, member), xform_name(member)) for member in shape["members"]}
    keys = {key: member for member, key in named.items() if key is not None}
    listed = ", ".join(sorted((*keys, *more)))
    if not isinstance(value, Mapping):
        raise ConfigurationError(f"{location}: must be a table with the keys {listed}")
    for key in value:
        if key not in keys and key not in more:
            raise ConfigurationError(f"{location}.{key}: unknown key; the keys are {listed}")
    for member in shape.get("required", ()):
        if named[member] not in value:
            fix = _expected(shape["members"][member]["shape"])
            raise ConfigurationError(f"{location}.{named[member]}: missing; set it to {fix}")
    for key, member in keys.items():
        if key in value:
            _check(value[key], shape["members"][member]["shape"], f"{location}.{key}")
            if key.endswith("_arn") and not value[key].startswith("arn:"):
                raise ConfigurationError(
                    f"{location}.{key}: `{value[key]}` is not an ARN; CloudFormation accepts no ID or alias here"
                )


def _check_array(value: Any, name: str, location: str) -> None:
    shape = _shapes()[name]
    inner = shape["member"]["shape"]
    if not isinstance(value, list):
        raise ConfigurationError(f"{location}: must be an array; write [{_expected(inner)}]")
    _check_size(len(value), shape, f"{location}: must have", "entries")
    for index, one in enumerate(value):
        _check(one, inner, f"{location}[{index}]")


def _check_text(value: Any, name: str, location: str) -> None:
    shape = _shapes()[name]
    if not isinstance(value, str):
        raise ConfigurationError(f"{location}: must be {_expected(name)}, in quotes")
    if "enum" in shape and value not in shape["enum"]:
        raise ConfigurationError(f"{location}: `{value}` is not allowed; set it to {_expected(name)}")
    _check_size(len(value), shape, f"{location}: must have", "characters")
    pattern = shape.get("pattern")
    if pattern and not re.fullmatch(pattern, value):
        raise ConfigurationError(f"{location}: `{value}` is not allowed; AWS requires the pattern {pattern}")


def _check_number(value: Any, name: str, location: str) -> None:
    # TOML has `inf` and `nan`, which JSON cannot express.
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ConfigurationError(f"{location}: must be {_expected(name)}")
    _check_size(value, _shapes()[name], f"{location}: must be", "")


def _check_size(size: float, shape: Mapping[str, Any], must: str, unit: str) -> None:
    least, most = shape.get("min", -math.inf), shape.get("max", math.inf)
    if not least <= size <= most:
        bounds = f"at least {least}" if most == math.inf else f"at most {most}" if least == -math.inf else f"{least} to {most}"
        raise ConfigurationError(f"{must} {bounds} {unit}".rstrip())


def _expected(name: str) -> str:
    """Return what a value must be, in words."""
    shape = _shapes()[name]
    if "enum" in shape:
        return f"one of {', '.join(shape['enum'])}"
    return {"structure": "a table", "list": "an array", "string": "a string", "boolean": "true or false"}.get(
        shape["type"], "a number"
    )
