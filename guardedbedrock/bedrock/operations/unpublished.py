"""
Operations of ``bedrock`` whose actions the Service Authorization Reference does not list yet.

Each asks the action of its own name: where it is of projects on their ARN or on ``*``, else on nobody knows what.
Source: Bedrock API Reference, "Amazon Bedrock".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from guardedbedrock.bedrock.operations.rows import Ask, Operation

_OF_A_PROJECT: Final = (
    "ArchiveProject",
    "DeleteProjectDataRetentionStorage",
    "GetProject",
    "GetProjectDataRetentionStorage",
    "PutProjectDataRetentionStorage",
    "UpdateProject",
)
_OF_PROJECTS: Final = ("CreateProject", "ListProjects")
_ANYWHERE: Final = (
    "DeleteAccountDataRetentionStorage",
    "DeleteOrganizationDataRetentionStorage",
    "GetAccountDataRetentionStorage",
    "GetOrganizationDataRetentionStorage",
    "GetTrustedAccessProgram",
    "GetTrustedAccessProgramAccountEnrollment",
    "GetTrustedAccessProgramOrganizationEnrollment",
    "GetTrustedAccessProgramProjectEnrollment",
    "ListTrustedAccessPrograms",
    "PutAccountDataRetentionStorage",
    "PutOrganizationDataRetentionStorage",
    "PutTrustedAccessProgramAccountEnrollment",
    "PutTrustedAccessProgramOrganizationEnrollment",
    "PutTrustedAccessProgramProjectEnrollment",
    "StartTrustedAccessProgramAccountApplication",
    "StartTrustedAccessProgramOrganizationApplication",
    "StartTrustedAccessProgramProjectApplication",
)

_MODE: Final = (("bedrock:DataRetentionMode", "dataRetention.mode"),)
_KEYS: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {"CreateProject": _MODE, "UpdateProject": _MODE}
_TAGS: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {"CreateProject": (("tags", "project"),)}
_BUCKET: Final = "AWS checks that the caller reaches the bucket and the key of storageConfiguration too, which nobody here asks"
_BEYOND: Final[Mapping[str, str]] = {
    f"Put{scope}DataRetentionStorage": _BUCKET for scope in ("Account", "Organization", "Project")
}


def _asks() -> Iterator[Ask]:
    yield from (Ask(name, "project", ("projectIdentifier",), when="either") for name in _OF_A_PROJECT)
    yield from (Ask(name, "project", when="either") for name in _OF_PROJECTS)
    yield from (Ask(name, "somewhere") for name in _ANYWHERE)


def _row(ask: Ask) -> Operation:
    name = ask.action
    tags, keys, indirect_effects = _TAGS.get(name, ()), _KEYS.get(name, ()), _BEYOND.get(name, "")
    return Operation(name, "bedrock", (ask,), tags=tags, keys=keys, indirect_effects=indirect_effects)


UNPUBLISHED: Final = tuple(map(_row, _asks()))
