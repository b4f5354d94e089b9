"""
The snapshot: one JSON object with everything that was read from an account at one time.

Sections, all optional except the first four:

=====================  =========================================================================================
key                    value
=====================  =========================================================================================
schema                 ``guardedbedrock.snapshot``
version                1
account                twelve digits
time                   ISO 8601, UTC
partition              ``aws``, ``aws-cn`` or ``aws-us-gov``
regions                Regions that were read; without it, the sections below have every Region
principals             ARN to ``kind``, ``name``, ``id``, ``path``, ``created``, ``tags``, ``inline``, ``managed``,
                       ``boundary``, ``groups``
groups                 ARN to ``inline`` and ``managed``
managed_policies       ARN to the default version's document
organization           ``id``, ``management_account``, ``path`` (root to account)
scp, rcp               levels, root first: ``target`` and ``policies`` (``id``, ``name``, ``document``)
guardrails             ``arn``, ``id``, ``name``, ``region``, ``version``, ``status``, ``tags``, ``versions``
resource_policies      guardrail ARN to document
enforced_guardrails    ``region``, ``arn``, ``version``, ``origin``; ``included_models``, ``excluded_models`` if listed
inference_profiles     ``arn``, ``id``, ``region``, ``status``, ``type``, ``models``
last_accessed          principal ARN to service prefix to ISO 8601 time or null
gaps                   ``section``, ``api``, ``error``, ``statement``; optional ``principal``, ``resource``, ``region``
=====================  =========================================================================================
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from os import PathLike
from pathlib import Path
from typing import Any, Final

from guardedbedrock._root import ConfigurationError
from guardedbedrock.iam.account.documents import DETAIL_KEYS, describe_damage, sections_of_details
from guardedbedrock.iam.account.shapes import check_shapes
from guardedbedrock.iam.language.documents import load_json

SCHEMA: Final = "guardedbedrock.snapshot"
VERSION: Final = 1
LARGEST: Final = 200_000_000
"""Bytes of a snapshot. An account has at most 5,000 roles and 1,500 policies by default, and they need less."""
CLOCK_SKEW: Final = 300.0  # s
"""How far the clocks of the machine that takes a snapshot and of the one that reads it may differ."""
_PIECE: Final = 1_000_000
REQUIRED: Final = ("schema", "version", "account", "time")
_DETAIL_GAPS: Final = {
    "scp": "organizations:ListPoliciesForTarget",
    "rcp": "organizations:ListPoliciesForTarget",
    "resource": "bedrock:GetResourcePolicy",
    "enforced_guardrails": "bedrock:ListEnforcedGuardrailsConfiguration",
}
"""Sections that a dump does not have, and the action that reads each."""


def to_text(snapshot: Mapping[str, Any]) -> str:
    """Return a snapshot as canonical JSON text: sorted keys, two spaces, one final line break."""
    return json.dumps(snapshot, indent=2, sort_keys=True, ensure_ascii=False, default=_number_text) + "\n"


def _number_text(value: object) -> str:
    """Write a number of a policy exactly. IAM compares the values of conditions as strings, or as numbers in strings."""
    if not isinstance(value, Decimal):
        raise TypeError(f"{type(value).__name__} is not JSON")
    return format(value, "f")


def write_snapshot(snapshot: Mapping[str, Any], path: str | PathLike[str]) -> None:
    """
    Write a snapshot to `path`, and its SHA-256 digest to ``path.sha256`` in the format of ``sha256sum``.

    Raises:
        OSError: A file cannot be written.
    """
    target = Path(path)
    data = to_text(snapshot).encode()
    target.write_bytes(data)
    digest_path(target).write_text(f"{hashlib.sha256(data).hexdigest()}  {target.name}\n", "utf-8")


def digest_path(path: Path) -> Path:
    """Return the path of a snapshot's digest file."""
    return path.with_name(path.name + ".sha256")


def read_snapshot(source: Mapping[str, Any] | str | PathLike[str]) -> dict[str, Any]:
    """
    Read a snapshot, or a dump of `GetAccountAuthorizationDetails` as the AWS CLI and cloudsplaining write it.

    Args:
        source: A JSON object, JSON text (it starts with ``{``) or the path of a file.

    Returns:
        A snapshot. A dump has neither policies of the organization nor anything of Bedrock: these parts are listed in ``gaps``.

    Raises:
        ConfigurationError: The file is missing, its digest is missing or differs, or the content is not a snapshot.
        PolicySyntaxError: A policy document cannot be read.
    """
    if isinstance(source, Mapping):
        return _snapshot(source, "snapshot")
    if isinstance(source, str) and source.lstrip().startswith("{"):
        return parse_snapshot(source, name="snapshot")
    path = Path(source)
    try:
        data = read_at_most(path, LARGEST + 1)
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read ({error.strerror}); correct the path or its permissions") from None
    if len(data) > LARGEST:
        raise ConfigurationError(f"{path}: larger than {LARGEST:,} bytes, which no snapshot is; correct the path")
    digest_file = digest_path(path)
    digest = digest_file.read_text("utf-8") if digest_file.exists() else None
    return verify_and_parse(data, digest, name=str(path))


def read_at_most(path: Path, size: int) -> bytes:
    """
    Read the first bytes of a file, in pieces: Python allocates the whole size that it is asked to read.

    Raises:
        OSError: The file cannot be read.
    """
    data = bytearray()
    with path.open("rb") as file:
        while len(data) < size and (piece := file.read(min(_PIECE, size - len(data)))):
            data += piece
    return bytes(data)


def verify_and_parse(data: bytes, digest: str | None, *, name: str) -> dict[str, Any]:
    """
    Verify the digest of a snapshot and parse it.

    Args:
        data: Content of the file.
        digest: Content of the digest file in the format of ``sha256sum``; None without a digest file.
        name: Name of the file, for error messages.

    Raises:
        ConfigurationError: The digest is missing or differs, or the content is not a snapshot.
    """
    if digest is not None:
        wanted = (digest.split() or [""])[0].lower()
        if hashlib.sha256(data).hexdigest() != wanted:
            raise ConfigurationError(
                f"{name}: the content does not match {name}.sha256; the file was changed or truncated, so take a new snapshot"
            )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigurationError(f"{name}: is not UTF-8 text; take a new snapshot") from None
    snapshot = parse_snapshot(text, name=name)
    # Other tools write no digest beside their dumps.
    if digest is None and not snapshot.get("foreign"):
        raise ConfigurationError(f"{name}: {name}.sha256 is missing; copy it beside the snapshot, or take a new snapshot")
    return snapshot


def check_age(snapshot: Mapping[str, Any], *, now: datetime, max_age: float, name: str) -> None:
    """
    Check that a snapshot is not too old, and not from the future: it would not get too old for a long time.

    Args:
        snapshot: The snapshot.
        now: The current time.
        max_age: Greatest accepted age in seconds.
        name: Name of the file, for error messages.

    Raises:
        ConfigurationError: The snapshot is older, is from the future, or does not say when it was taken.
    """
    try:
        taken = datetime.fromisoformat(str(snapshot["time"]))
        age = (now - taken).total_seconds()
    except (ValueError, TypeError):
        raise ConfigurationError(
            f"{name}: `time` is not an ISO 8601 time with a time zone, so max_age cannot be checked; take a new snapshot"
        ) from None
    if age < -CLOCK_SKEW:
        raise ConfigurationError(
            f"{name}: `time` is {-age:.0f} s in the future; correct the clock of this machine, or take a new snapshot"
        )
    if age > max_age:
        raise ConfigurationError(f"{name}: is {age:.0f} s old, and max_age is {max_age:.0f} s; take a new snapshot")


def parse_snapshot(text: str, *, name: str) -> dict[str, Any]:
    """
    Parse JSON text that is a snapshot or a dump of authorization details.

    Raises:
        ConfigurationError: The content is not a snapshot, or its schema version is unknown.
    """
    loaded = load_json(text, file=name)
    if not isinstance(loaded, Mapping):
        raise ConfigurationError(f"{name}: is not a snapshot; it must be a JSON object")
    return _snapshot(loaded, name)


def _snapshot(loaded: Mapping[str, Any], name: str) -> dict[str, Any]:
    if "schema" not in loaded and any(key in loaded for key in DETAIL_KEYS):
        return _foreign(loaded, name)
    missing = [key for key in REQUIRED if key not in loaded]
    if missing:
        raise ConfigurationError(
            f"{name}: `{missing[0]}` is missing; write the file with `guardedbedrock snapshot`, or use the output of "
            "`aws iam get-account-authorization-details`"
        )
    if loaded["schema"] != SCHEMA:
        raise ConfigurationError(f"{name}: schema `{loaded['schema']}` is unknown; this version reads `{SCHEMA}`")
    if loaded["version"] != VERSION:
        raise ConfigurationError(
            f"{name}: schema version {loaded['version']} is unknown; this version of guardedbedrock reads version {VERSION}, "
            "so update guardedbedrock or take a new snapshot"
        )
    check_shapes(loaded, name)
    return dict(loaded)


def _foreign(details: Mapping[str, Any], name: str) -> dict[str, Any]:
    for key in DETAIL_KEYS:
        if details.get(key) is not None and not isinstance(details[key], list):
            raise ConfigurationError(f"{name}: `{key}` must be a JSON array; use the output of the AWS CLI unchanged")
    try:
        sections = sections_of_details(details)
    except (KeyError, TypeError, AttributeError) as error:
        problem = describe_damage(details, error)
        raise ConfigurationError(
            f"{name}: is not the output of `aws iam get-account-authorization-details` ({problem}); write a new dump"
        ) from None
    check_shapes(sections, name)
    account = next((arn.split(":")[4] for arn in sections["principals"]), "")
    gaps = [
        {"section": section, "api": api, "error": "not part of this dump", "statement": None}
        for section, api in _DETAIL_GAPS.items()
    ]
    return {"schema": SCHEMA, "version": VERSION, "account": account, "time": "", "foreign": True, "gaps": gaps, **sections}
