"""The shape of a snapshot: what each section holds. A snapshot may be written by hand or by another tool."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from guardedbedrock._root import ConfigurationError
from guardedbedrock.iam.language.documents import POLICY_TYPES

GAP_SECTIONS: Final = (
    *POLICY_TYPES,
    "enforced_guardrails",
    "guardrails",
    "inference_profiles",
    "last_accessed",
    "managed_policies",
    "tags",
)
"""What `gaps[].section` may be."""
_KINDS: Final = ("user", "role", "root")
_COLONS: Final = 5

Check: TypeAlias = Callable[[Any, str], None]
"""Checks a value of the snapshot, given its location, such as ``groups["arn"].inline``; raises `ConfigurationError`."""


def check_shapes(snapshot: Mapping[str, Any], name: str) -> None:
    """
    Check the sections of a snapshot. Policy documents are checked when they are parsed.

    Args:
        snapshot: The snapshot.
        name: Name of the file, for error messages.

    Raises:
        ConfigurationError: A value has the wrong type, or is missing.
    """
    for section, check in _SECTIONS.items():
        if snapshot.get(section) is not None:
            try:
                check(snapshot[section], section)
            except ConfigurationError as error:
                raise ConfigurationError(f"{name}: {error}; correct it, or take a new snapshot") from None


# -- kinds of values ------------------------------------------------------------------------------------------------------


def _anything(_: Any, __: str) -> None:
    pass


def _text(value: Any, location: str) -> None:
    if not isinstance(value, str):
        raise ConfigurationError(f"`{location}` must be a JSON string")


def _object(value: Any, location: str) -> None:
    if not isinstance(value, Mapping):
        raise ConfigurationError(f"`{location}` must be a JSON object")


def _array_of(check: Check) -> Check:
    def check_items(value: Any, location: str) -> None:
        if not isinstance(value, list | tuple):
            raise ConfigurationError(f"`{location}` must be a JSON array")
        for index, item in enumerate(value):
            check(item, f"{location}[{index}]")

    return check_items


def _object_of(check: Check, check_key: Check = _anything) -> Check:
    def check_values(value: Any, location: str) -> None:
        _object(value, location)
        for key, item in value.items():
            check_key(key, f'{location}["{key}"]')
            check(item, f'{location}["{key}"]')

    return check_values


def _members(required: Mapping[str, Check], optional: Mapping[str, Check]) -> Check:
    def check_members(value: Any, location: str) -> None:
        _object(value, location)
        for key, check in required.items():
            if key not in value:
                raise ConfigurationError(f"`{location}.{key}` is missing")
            check(value[key], f"{location}.{key}")
        for key, check in optional.items():
            if value.get(key) is not None:
                check(value[key], f"{location}.{key}")

    return check_members


def _one_or_more(check: Check) -> Check:
    several = _array_of(check)
    return lambda value, location: (several if isinstance(value, list) else check)(value, location)


def _one_of(values: tuple[str, ...]) -> Check:
    def check_choice(value: Any, location: str) -> None:
        if value not in values:
            raise ConfigurationError(f"`{location}` is `{value}`; it must be one of {', '.join(values)}")

    return check_choice


def _arn(value: Any, location: str) -> None:
    if not isinstance(value, str) or value.count(":") < _COLONS:
        raise ConfigurationError(f"`{location}` is not the ARN of a user or role")


# -- sections -------------------------------------------------------------------------------------------------------------

_TEXTS: Final = _array_of(_text)
_OPTIONAL_TEXTS: Final = ("id", "path", "created", "boundary", "last_used")
_TRUST: Final = _members({}, {"Statement": _one_or_more(_members({}, {"Action": _one_or_more(_text)}))})
_PRINCIPAL: Final = _members(
    {"kind": _one_of(_KINDS), "name": _text},
    {
        **dict.fromkeys(_OPTIONAL_TEXTS, _text),
        "tags": _object_of(_text),
        "inline": _object,
        "managed": _TEXTS,
        "groups": _TEXTS,
        "unknown_groups": _TEXTS,
        "trust": _TRUST,
    },
)
_LEVELS: Final = _array_of(
    _members(
        {"policies": _array_of(_members({"name": _text, "document": _anything}, {"id": _text, "arn": _text}))},
        {"target": _text},
    )
)
_SECTIONS: Final[Mapping[str, Check]] = {
    "account": _text,
    "time": _text,
    "partition": _text,
    "regions": _TEXTS,
    "principals": _object_of(_PRINCIPAL, _arn),
    "groups": _object_of(_members({"inline": _object, "managed": _TEXTS}, {})),
    "managed_policies": _object,
    "organization": _members({}, {"id": _text, "management_account": _text, "path": _TEXTS}),
    "scp": _LEVELS,
    "rcp": _LEVELS,
    "guardrails": _array_of(
        _members({"arn": _text}, {"id": _text, "name": _text, "region": _text, "profile": _text, "tags": _object_of(_text)})
    ),
    "resource_policies": _object,
    "enforced_guardrails": _array_of(
        _members({"arn": _text, "version": _anything}, {"region": _text, "included_models": _TEXTS, "excluded_models": _TEXTS})
    ),
    "inference_profiles": _array_of(_members({"arn": _text, "id": _text, "models": _TEXTS}, {"region": _text})),
    "last_accessed": _object_of(_object),
    "gaps": _array_of(
        _members(
            {"section": _one_of(GAP_SECTIONS), "api": _text, "error": _text},
            {"statement": _object, "principal": _text, "resource": _text, "region": _text},
        )
    ),
}
