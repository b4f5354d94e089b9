"""From the keywords of the marker to what server and guard are set up with."""

from __future__ import annotations

from dataclasses import dataclass, field
from difflib import get_close_matches
from inspect import signature
from typing import TYPE_CHECKING, Any, Final

from guardedbedrock.bedrock import Guardrail
from guardedbedrock.errors import ConfigurationError
from guardedbedrock.guard import Guard
from guardedbedrock.settings import settings as configuration
from guardedbedrock.settings.policy_files import read_policies
from guardedbedrock.testing import FakeGuardrail
from guardedbedrock.testing.world import Options

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from guardedbedrock.bedrock import Vocabulary
    from guardedbedrock.iam import PolicySet

_REGION: Final = "us-east-1"
_ACCOUNT: Final = "123456789012"
_ROLE: Final = f"arn:aws:iam::{_ACCOUNT}:role/TestedApplication"
_DEFAULT: Final = "default"

_OF_BOTH: Final = ("config", "enforced", "guardrails", "policies", "principal", "region", "tls", "vocabulary")
_OF_SERVER: Final = tuple(name for name in Options.__annotations__ if name not in _OF_BOTH)
_OF_GUARD: Final = tuple(name for name in signature(Guard).parameters if name not in _OF_BOTH)
_ELSEWHERE: Final = frozenset({"audit", "retry"})
_OF_CONFIG: Final = tuple(name for name in configuration.Settings.model_fields if name in _OF_GUARD and name not in _ELSEWHERE)
"""What a configuration tells the guard of a test: it writes no records for auditors, and does not wait between attempts."""

KEYWORDS: Final = (*_OF_BOTH, *_OF_SERVER, *_OF_GUARD)
"""All that the marker takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """
    What one test works with.

    Args:
        fakes: The guardrails of the server.
        approved: Those of the guard.
        policies: What both decide by; None allows everything.
        principal: Who calls.
        region: Where server and client are.
        vocabulary: ``aws`` or ``invoke-with-guardrail``.
        tls: Whether the server speaks HTTPS.
        enforced: Guardrails that the organization enforces.
        server: What else the server is told, by name.
        guard: What else the guard is told, by name.
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


def settle(marked: Mapping[str, Any], root: Path) -> Settings:
    """
    Settle what a test works with.

    Args:
        marked: Keywords of the marker. ``config`` is a configuration file, whose settings the others win over.
        root: Folder that names of files start from.

    Raises:
        ConfigurationError: A keyword is unknown, or its value can not be used.
    """
    for name in marked:
        if name not in KEYWORDS:
            near = get_close_matches(name, KEYWORDS, n=1)
            told = f"did you mean `{near[0]}`?" if near else f"known are {', '.join(sorted(KEYWORDS))}"
            raise ConfigurationError(f"@pytest.mark.guardedbedrock: `{name}` is not known; {told}")
    given = {**(_configured(root / marked["config"]) if "config" in marked else {}), **marked}
    region = given.get("region") or _region(given.get("guardrails", ()))
    fakes, approved = _guardrails(given.get("guardrails") or [_DEFAULT], region)
    more, enforced = _guardrails(given.get("enforced", ()), region)
    policies = given.get("policies")
    known = {name: given[name] for name in ("principal", "vocabulary", "tls") if given.get(name) is not None}
    return Settings(
        fakes=(*fakes, *more),
        approved=approved,
        policies=None if policies is None else read_policies(policies, base=root),
        region=region,
        enforced=enforced,
        server={name: given[name] for name in _OF_SERVER if name in given},
        guard={name: given[name] for name in _OF_GUARD if name in given},
        **known,
    )


def _configured(path: Path) -> dict[str, Any]:
    settings = configuration.load(path, environ={})
    named = {name: getattr(settings, name) for name in _OF_CONFIG}
    principal = settings.principal if settings.principal != "caller" else None
    both = {"guardrails": settings.approved, "policies": settings.policy_set(), "vocabulary": settings.vocabulary}
    return {**named, **both, "principal": principal, "enforced": settings.enforced}


def _region(guardrails: Iterable[object]) -> str:
    return next((one.region for one in guardrails if isinstance(one, Guardrail)), _REGION)


def _guardrails(given: Iterable[object], region: str) -> tuple[tuple[FakeGuardrail, ...], tuple[Guardrail, ...]]:
    """Make both sides of each guardrail; of several versions under one name the first is approved."""
    pairs = [_pair(one, region) for one in given]
    named = {approved.name: approved for _, approved in reversed(pairs)}
    approved = tuple(dict.fromkeys(named[one.name] for _, one in pairs))
    return tuple(fake for fake, _ in pairs), approved


def _pair(given: object, region: str) -> tuple[FakeGuardrail, Guardrail]:
    if isinstance(given, str):
        given = FakeGuardrail(given if given.startswith("arn:") else _id_of(given), name=given)
    if isinstance(given, FakeGuardrail):
        arn = given.identifier if given.identifier.startswith("arn:") else _arn(given.identifier, region)
        return given, Guardrail(arn, given.version, given.name, given.tags or None)
    if isinstance(given, Guardrail):
        return FakeGuardrail(given.arn, given.version, given.name, tags=given.tags or {}), given
    raise ConfigurationError(f"guardrails: a `{type(given).__name__}` is no guardrail; give names, FakeGuardrails or Guardrails")


def _arn(identifier: str, region: str) -> str:
    return f"arn:aws:bedrock:{region}:{_ACCOUNT}:guardrail/{identifier}"


def _id_of(name: str) -> str:
    """Make an ID of a name, as AWS's are: lower-case letters and digits."""
    return "".join(_letters(name)) or _DEFAULT


def _letters(name: str) -> Iterator[str]:
    return (letter for letter in name.lower() if letter.isascii() and letter.isalnum())
