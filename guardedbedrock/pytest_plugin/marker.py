"""Validate the keywords of the marker, and turn them into the configuration of the server and the guard."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from inspect import signature
from os import PathLike
from typing import TYPE_CHECKING, Any, Final, NoReturn

from guardedbedrock._nearest import suggest
from guardedbedrock.bedrock import Guardrail
from guardedbedrock.errors import ConfigurationError
from guardedbedrock.guard import Guard
from guardedbedrock.settings import settings as configuration
from guardedbedrock.settings.policy_files import read_policies
from guardedbedrock.testing import FakeApiKey, FakeCredentials, FakeGuardrail, FakeInferenceProfile, FakeKnowledgeBase
from guardedbedrock.testing.fake_state import FakeOptions

if TYPE_CHECKING:
    from pathlib import Path

    from guardedbedrock.bedrock import Vocabulary
    from guardedbedrock.iam import PolicySet

_REGION: Final = "us-east-1"
_ACCOUNT: Final = "123456789012"
_ROLE: Final = f"arn:aws:iam::{_ACCOUNT}:role/TestedApplication"
_DEFAULT_GUARDRAIL: Final = "default"

_SHARED: Final = ("config", "enforced", "guardrails", "policies", "principal", "region", "tls", "vocabulary")
_SERVER_ONLY: Final = tuple(name for name in FakeOptions.__annotations__ if name not in _SHARED)
_GUARD_ONLY: Final = tuple(name for name in signature(Guard).parameters if name not in _SHARED)
_NOT_FROM_CONFIG: Final = frozenset({"audit", "retry"})
_FROM_CONFIG: Final = tuple(
    name for name in configuration.Settings.model_fields if name in _GUARD_ONLY and name not in _NOT_FROM_CONFIG
)
"""Settings that a test reads from a configuration file: tests write no audit records and do not wait between attempts."""

KEYWORDS: Final = (*_SHARED, *_SERVER_ONLY, *_GUARD_ONLY)
"""All keywords of the marker."""

_LISTS: Final = ("guardrails", "enforced", "inference_profiles", "knowledge_bases", "credentials", "regions", "listeners")
_ITEMS: Final[Mapping[str, tuple[tuple[type, ...], str]]] = {
    "inference_profiles": ((FakeInferenceProfile,), "a FakeInferenceProfile"),
    "knowledge_bases": ((FakeKnowledgeBase,), "a FakeKnowledgeBase"),
    "credentials": ((FakeCredentials, FakeApiKey), "a FakeCredentials or a FakeApiKey"),
    "regions": ((str,), 'a region such as "eu-central-1"'),
}
_NAMES: Final = ("guardrails", "enforced", "regions")
"""Lists whose items can be strings."""
_PATHS: Final = ("config", "invocation_logs", "record", "replay")
_TYPES: Final[Mapping[str, tuple[type, str]]] = {
    "principal": (str, "an ARN such as arn:aws:iam::123456789012:role/App"),
    "region": (str, 'a region such as "eu-central-1"'),
    "account": (str, "the 12 digits of an account"),
    "seed": (int, "a whole number such as 7"),
    "tls": (bool, "True or False"),
    "verify_signatures": (bool, "True or False"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FixtureSetup:
    """
    The configuration of the fixtures of one test.

    Args:
        fakes: The guardrails of the server.
        approved: The approved guardrails of the guard.
        policies: The policies of the server and the guard; None allows everything.
        principal: ARN of the caller.
        region: Region of the server and the client.
        vocabulary: ``aws`` or ``invoke-with-guardrail``.
        tls: Whether the server uses HTTPS.
        enforced: Guardrails that the organization enforces.
        server: Other keywords of `FakeBedrock`.
        guard: Other keywords of `Guard`.
    """

    fakes: tuple[FakeGuardrail, ...]
    approved: tuple[Guardrail, ...]
    policies: PolicySet | None = None
    principal: str = _ROLE
    region: str = _REGION
    vocabulary: Vocabulary = "aws"
    tls: bool = False
    enforced: tuple[Guardrail, ...] = ()
    server: Mapping[str, Any] = field(default_factory=dict)
    guard: Mapping[str, Any] = field(default_factory=dict)


def read_marker(keywords: Mapping[str, Any], root: Path) -> FixtureSetup:
    """
    Validate the keywords of the marker.

    Args:
        keywords: ``config`` names a configuration file; the other keywords take precedence over it.
        root: Folder that relative file names start from.

    Raises:
        ConfigurationError: A keyword is unknown, or its value is invalid.
    """
    keywords = {name: _read(name, value, root) for name, value in keywords.items()}
    given = {**(_configured(keywords["config"]) if "config" in keywords else {}), **keywords}
    if "guardrails" in keywords and not keywords["guardrails"] and given.get("mode") != "off":
        _fail("guardrails", "the list is empty; leave the keyword out for one guardrail named `default`")
    region = given.get("region") or _region(given.get("guardrails", ()))
    fakes, approved = _guardrails("guardrails", given.get("guardrails") or [_DEFAULT_GUARDRAIL], region)
    enforced_fakes, enforced = _guardrails("enforced", given.get("enforced", ()), region)
    policies = given.get("policies")
    optional = {name: given[name] for name in ("principal", "vocabulary", "tls") if given.get(name) is not None}
    return FixtureSetup(
        fakes=tuple({**enforced_fakes, **fakes}.values()),  # the server has each version once
        approved=approved,
        policies=None if policies is None else read_policies(policies, base=root),
        region=region,
        enforced=enforced,
        server={name: given[name] for name in _SERVER_ONLY if name in given},
        guard={name: given[name] for name in _GUARD_ONLY if name in given},
        **optional,
    )


def _read(name: str, value: Any, root: Path) -> Any:
    """
    Check a keyword and return its value.

    A relative path starts from the root. A list becomes a tuple, because its items are read several times.
    """
    if name not in KEYWORDS:
        advice = suggest(name, sorted(KEYWORDS), "keywords")
        raise ConfigurationError(f"@pytest.mark.guardedbedrock: unknown keyword `{name}`; {advice}")
    if name in _TYPES and value is not None and not isinstance(value, _TYPES[name][0]):
        _fail(name, f"must be {_TYPES[name][1]}, got `{type(value).__name__}`")
    if name in _PATHS and (value is not None or name == "config"):
        if not isinstance(value, str | PathLike):
            _fail(name, f"must be a path, got `{type(value).__name__}`")
        return root / value
    return _read_list(name, value) if name in _LISTS else value


def _read_list(name: str, value: Any) -> tuple[Any, ...]:
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable):
        example = f'; write {name}=["{value}"]' if isinstance(value, str) and name in _NAMES else ""
        _fail(name, f"must be a list, got `{type(value).__name__}`{example}")
    items = tuple(value)
    types, wanted = _ITEMS.get(name, ((object,), ""))
    for index, item in enumerate(items):
        if not isinstance(item, types):
            _fail(f"{name}[{index}]", f"must be {wanted}, got `{type(item).__name__}`")
    return items


def _fail(name: str, problem: str) -> NoReturn:
    raise ConfigurationError(f"@pytest.mark.guardedbedrock: {name}: {problem}")


def _configured(path: Path) -> dict[str, Any]:
    settings = configuration.load(path, environ={})
    guard_only = {name: getattr(settings, name) for name in _FROM_CONFIG}
    principal = settings.principal if settings.principal != "caller" else None
    shared = {"guardrails": settings.approved, "policies": settings.policy_set(), "vocabulary": settings.vocabulary}
    return {**guard_only, **shared, "principal": principal, "enforced": settings.enforced}


def _region(guardrails: Iterable[object]) -> str:
    """Return the region of the first guardrail that names one in its ARN."""
    identifiers = (getattr(one, "arn", None) or getattr(one, "identifier", one) for one in guardrails)
    arns = (str(one).split(":") for one in identifiers if str(one).startswith("arn:"))
    return next((parts[3] for parts in arns if len(parts) > 3 and parts[3]), _REGION)  # noqa: PLR2004 - the region is part 3


def _guardrails(
    keyword: str, given: Iterable[object], region: str
) -> tuple[dict[tuple[str, str], FakeGuardrail], tuple[Guardrail, ...]]:
    """
    Create the server's guardrails, by ARN and version, and those of the guard.

    If several versions have the same name, the first is approved. A configuration may list one guardrail for several models.
    """
    listed = tuple(given)
    pairs = [_pair(keyword, index, one, region) for index, one in enumerate(listed)]
    _check_unique(keyword, listed, [approved for _, approved in pairs])
    by_name = {approved.name: approved for _, approved in reversed(pairs)}
    approved = tuple(dict.fromkeys(by_name[one.name] for _, one in pairs))
    return {(one.arn, one.version): fake for fake, one in reversed(pairs)}, approved


def _check_unique(keyword: str, given: Iterable[object], guardrails: Iterable[Guardrail]) -> None:
    """Reject two guardrails that the server could not distinguish: the IDs that follow from two names can be equal."""
    found: dict[tuple[str, str], int] = {}
    for index, (source, one) in enumerate(zip(given, guardrails, strict=True)):
        first = found.setdefault((one.arn, one.version), index)
        if first != index and not isinstance(source, Guardrail):  # a configuration may list one guardrail for several models
            fix = f'remove one, or give it another ID: FakeGuardrail("abc{index}", name="{one.name}")'
            _fail(f"{keyword}[{index}]", f"has the ID `{one.id}` and the version {one.version} of {keyword}[{first}]; {fix}")


def _pair(keyword: str, index: int, given: object, region: str) -> tuple[FakeGuardrail, Guardrail]:
    if isinstance(given, str):
        given = FakeGuardrail(given if given.startswith("arn:") else _id_of(given), name=given)
    if isinstance(given, FakeGuardrail):
        arn = given.identifier if given.identifier.startswith("arn:") else _arn(given.identifier, region)
        return given, Guardrail(arn, given.version, given.name, given.tags or None)
    if isinstance(given, Guardrail):
        return FakeGuardrail(given.arn, given.version, given.name, tags=given.tags or {}), given
    _fail(f"{keyword}[{index}]", f"must be a name, a FakeGuardrail or a Guardrail, got `{type(given).__name__}`")


def _arn(identifier: str, region: str) -> str:
    return f"arn:aws:bedrock:{region}:{_ACCOUNT}:guardrail/{identifier}"


def _id_of(name: str) -> str:
    """Derive a guardrail ID from a name: AWS's IDs consist of lower-case letters and digits."""
    return "".join(_id_characters(name)) or _DEFAULT_GUARDRAIL


def _id_characters(name: str) -> Iterator[str]:
    return (letter for letter in name.lower() if letter.isascii() and letter.isalnum())
