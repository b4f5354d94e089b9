"""
The data of `profiles`: routes from source to destination Regions, each with the profiles that have these routes.

AWS documents that the destination Regions of a geographic inference profile never change; AWS creates a new profile instead.
Source Regions are added over time. Rows that an older and a newer copy of the page contain agree, except those of GovCloud; the
rows of guardrail profiles have grown. ``global.`` profiles route to every commercial Region and have no row.

A row that lacks a Region would deny what AWS allows, so doubtful rows are left out:

- GovCloud, Claude Sonnet 4.5: the copies disagree.
- Sources that only the older copy lists: Nova and TwelveLabs in Asia Pacific, Claude Sonnet 4 from ``me-central-1``.
- Profiles whose page has no table: Claude Fable 5, Kimi K3, GPT-5.6, GPT-6 Astra.

To refresh the table, call ``ListInferenceProfiles`` with ``typeEquals="SYSTEM_DEFINED"`` in every Region; the Region of each
``models[].modelArn`` is a destination of that profile from the Region that was called. Add new rows, and find out why existing
rows differ. There is no such operation for guardrail profiles; read the page that `GUARDRAIL_PROFILES` names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

ProfileRoutes: TypeAlias = Mapping[str, tuple[str, ...]]
"""Destination Regions, sorted, by source Region."""


@dataclass(frozen=True, slots=True)
class ProfileGroup:
    """
    Profiles that share the same routes.

    Args:
        source: Page that the rows were read from, and the age of the copy.
        routes: Destination Regions by source Region.
        profiles: IDs, in their order.
    """

    source: str
    routes: ProfileRoutes
    profiles: tuple[str, ...]


def _routes(*rows: tuple[str, str]) -> dict[str, tuple[str, ...]]:
    """Read rows of source Regions and destination Regions, each a space-separated list."""
    return {source: tuple(sorted(to.split())) for sources, to in rows for source in sources.split()}


def _group(source: str, routes: ProfileRoutes, *profiles: str) -> ProfileGroup:
    return ProfileGroup(source, routes, profiles)


_TABLE: Final = 'Bedrock User Guide, "Supported Regions and models for inference profiles", copy of December 2025 or January 2026'
_PAGES: Final = 'Bedrock User Guide, "Models at a glance", the page of each model, copies of 2026, most of September or October'
_BOTH: Final = f"{_PAGES}; the other sources: {_TABLE}"
_REPLIES: Final = 'Bedrock API Reference, "GetInferenceProfile", replies of July to September 2026 that were made public'

_COASTS: Final = "us-east-1 us-west-2"
_US: Final = "us-east-1 us-east-2 us-west-2"
_CALIFORNIA: Final = f"{_US} us-west-1"
_FROM_US: Final = _routes((_US, _US))
_FROM_CALIFORNIA: Final = _FROM_US | _routes(("us-west-1", _CALIFORNIA))
_FROM_MONTREAL: Final = _FROM_CALIFORNIA | _routes(("ca-central-1", f"{_US} ca-central-1"))
_FROM_CALGARY: Final = _FROM_MONTREAL | _routes(("ca-west-1", f"{_US} ca-west-1"))
_FROM_COASTS: Final = _routes((_COASTS, _COASTS))
_OHIO_TO_ALL: Final = _FROM_COASTS | _routes(("us-east-2", _US))
_OHIO_TO_COASTS: Final = _FROM_COASTS | _routes(("us-east-2", _COASTS))
_PEGASUS_US: Final = _FROM_CALIFORNIA | _routes(("us-east-1", _CALIFORNIA))

_GOV: Final = "us-gov-east-1 us-gov-west-1"
_CA: Final = "ca-central-1 ca-west-1"

_EU_THREE: Final = "eu-central-1 eu-west-1 eu-west-3"
_EU_FOUR: Final = f"{_EU_THREE} eu-north-1"
_EU: Final = f"{_EU_FOUR} eu-south-1 eu-south-2"
_FROM_EU: Final = _routes((_EU, _EU))
_FROM_ISRAEL: Final = _FROM_EU | _routes(("il-central-1", f"{_EU} il-central-1"))
_FROM_EUROPE: Final = _FROM_EU | _routes(("eu-central-2", f"{_EU} eu-central-2"), ("eu-west-2", f"{_EU} eu-west-2"))
_NOVA_EU: Final = _routes(
    (_EU_FOUR, _EU_FOUR),
    ("eu-south-1", f"{_EU_FOUR} eu-south-1"),
    ("eu-south-2", f"{_EU_FOUR} eu-south-2"),
    ("il-central-1", f"{_EU_FOUR} eu-south-1 il-central-1"),
)

_APAC_FIVE: Final = "ap-northeast-1 ap-northeast-2 ap-south-1 ap-southeast-1 ap-southeast-2"
_APAC_SIX: Final = f"{_APAC_FIVE} ap-northeast-3"
_APAC_SEVEN: Final = f"{_APAC_SIX} ap-south-2"
_APAC_EIGHT: Final = f"{_APAC_SEVEN} ap-southeast-4"
_APAC_NINE: Final = f"{_APAC_EIGHT} ap-southeast-3"
_FROM_SMALL_APAC: Final = _routes(
    ("ap-east-2", f"{_APAC_NINE} ap-east-2"),
    ("ap-southeast-3", _APAC_NINE),
    ("ap-southeast-4", _APAC_EIGHT),
    ("ap-southeast-5", f"{_APAC_NINE} ap-southeast-5"),
    ("ap-southeast-7", f"{_APAC_NINE} ap-southeast-7"),
)

_AU: Final = "ap-southeast-2 ap-southeast-4"
_FROM_AU: Final = _routes((_AU, _AU))
_FROM_NEW_ZEALAND: Final = _FROM_AU | _routes(("ap-southeast-6", f"{_AU} ap-southeast-6"))
_JP: Final = "ap-northeast-1 ap-northeast-3"
_FROM_JP: Final = _routes((_JP, _JP))

GROUPS: Final = (
    _group(
        _PAGES,
        _FROM_CALGARY,
        "us.amazon.nova-2-lite-v1:0",
        "us.anthropic.claude-opus-4-6-v1",
        "us.anthropic.claude-opus-4-7",
        "us.anthropic.claude-opus-4-8",
        "us.anthropic.claude-opus-5-5",
        "us.anthropic.claude-sonnet-4-6",
        "us.anthropic.claude-sonnet-5-5",
        "us.openai.gpt-6-sol",
        "us.openai.gpt-6.1-sol",
    ),
    _group(
        _PAGES,
        _FROM_MONTREAL,
        "us.anthropic.claude-haiku-4-5-20251001-v1:0",
        "us.anthropic.claude-opus-4-5-20251101-v1:0",
        "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
    ),
    _group(
        _PAGES,
        _FROM_CALIFORNIA,
        "us.amazon.nova-lite-v1:0",
        "us.amazon.nova-pro-v1:0",
        "us.anthropic.claude-sonnet-4-20250514-v1:0",
        "us.cohere.embed-v4:0",
        "us.meta.llama4-maverick-17b-instruct-v1:0",
        "us.writer.palmyra-x5-v1:0",
    ),
    _group(_TABLE, _FROM_CALIFORNIA, "us.meta.llama4-scout-17b-instruct-v1:0", "us.writer.palmyra-x4-v1:0"),
    _group(
        _PAGES,
        _FROM_US,
        "us.amazon.nova-micro-v1:0",
        "us.amazon.nova-premier-v1:0",
        "us.anthropic.claude-3-5-haiku-20241022-v1:0",
        "us.anthropic.claude-opus-4-1-20250805-v1:0",
        "us.deepseek.r1-v1:0",
        "us.meta.llama3-1-70b-instruct-v1:0",
        "us.meta.llama3-3-70b-instruct-v1:0",
        "us.mistral.pixtral-large-2502-v1:0",
        "us.stability.stable-outpaint-v1:0",
    ),
    _group(
        _TABLE,
        _FROM_US,
        "us.anthropic.claude-3-5-sonnet-20241022-v2:0",
        "us.anthropic.claude-3-7-sonnet-20250219-v1:0",
        "us.anthropic.claude-opus-4-20250514-v1:0",
        "us.meta.llama3-1-8b-instruct-v1:0",
        "us.stability.stable-conservative-upscale-v1:0",
        "us.stability.stable-creative-upscale-v1:0",
        "us.stability.stable-fast-upscale-v1:0",
        "us.stability.stable-image-control-sketch-v1:0",
        "us.stability.stable-image-control-structure-v1:0",
        "us.stability.stable-image-erase-object-v1:0",
        "us.stability.stable-image-inpaint-v1:0",
        "us.stability.stable-image-remove-background-v1:0",
        "us.stability.stable-image-search-recolor-v1:0",
        "us.stability.stable-image-search-replace-v1:0",
        "us.stability.stable-image-style-guide-v1:0",
        "us.stability.stable-style-transfer-v1:0",
    ),
    _group(
        _PAGES,
        _OHIO_TO_ALL,
        "us.anthropic.claude-3-haiku-20240307-v1:0",
        "us.meta.llama3-2-1b-instruct-v1:0",
        "us.meta.llama3-2-90b-instruct-v1:0",
    ),
    _group(_TABLE, _OHIO_TO_ALL, "us.meta.llama3-2-11b-instruct-v1:0", "us.meta.llama3-2-3b-instruct-v1:0"),
    _group(_TABLE, _OHIO_TO_COASTS, "us.anthropic.claude-3-5-sonnet-20240620-v1:0"),
    _group(_TABLE, _FROM_COASTS, "us.anthropic.claude-3-opus-20240229-v1:0", "us.anthropic.claude-3-sonnet-20240229-v1:0"),
    _group(_PAGES, _routes(("us-east-2", _US)), "us.meta.llama3-1-405b-instruct-v1:0"),
    _group(_PAGES, _routes(("us-east-1", _US)), "us.twelvelabs.marengo-embed-3-0-v1:0"),
    _group(_PAGES, _routes(("us-east-1", _CALIFORNIA)), "us.twelvelabs.marengo-embed-2-7-v1:0"),
    _group(_PAGES, _PEGASUS_US, "us.twelvelabs.pegasus-1-2-v1:0"),
    _group(_REPLIES, _routes((_COASTS, _US)), "us.anthropic.claude-opus-5"),
    _group(_REPLIES, _routes(("us-west-2", _US)), "us.anthropic.claude-sonnet-5"),
    _group(_PAGES, _routes((_GOV, _GOV)), "us-gov.nvidia.nemotron-super-3-120b"),
    _group(
        _TABLE,
        _routes(("us-gov-east-1", _GOV)),
        "us-gov.anthropic.claude-3-5-sonnet-20240620-v1:0",
        "us-gov.anthropic.claude-3-7-sonnet-20250219-v1:0",
        "us-gov.anthropic.claude-3-haiku-20240307-v1:0",
    ),
    _group(_TABLE, _routes((_CA, _CA)), "ca.amazon.nova-lite-v1:0"),
    _group(
        _PAGES,
        _FROM_EUROPE,
        "eu.anthropic.claude-haiku-4-5-20251001-v1:0",
        "eu.anthropic.claude-opus-4-5-20251101-v1:0",
        "eu.anthropic.claude-opus-4-6-v1",
        "eu.anthropic.claude-opus-4-7",
        "eu.anthropic.claude-opus-4-8",
        "eu.anthropic.claude-opus-5-5",
        "eu.anthropic.claude-sonnet-4-5-20250929-v1:0",
        "eu.anthropic.claude-sonnet-4-6",
        "eu.anthropic.claude-sonnet-5-5",
        "eu.cohere.embed-v4:0",
        "eu.twelvelabs.pegasus-1-2-v1:0",
    ),
    _group(_PAGES, _FROM_ISRAEL, "eu.anthropic.claude-sonnet-4-20250514-v1:0"),
    _group(_PAGES, _FROM_EU, "eu.amazon.nova-2-lite-v1:0"),
    _group(_PAGES, _NOVA_EU, "eu.amazon.nova-lite-v1:0", "eu.amazon.nova-micro-v1:0", "eu.amazon.nova-pro-v1:0"),
    _group(
        _TABLE,
        _routes((_EU_FOUR, _EU_FOUR)),
        "eu.anthropic.claude-3-7-sonnet-20250219-v1:0",
        "eu.mistral.pixtral-large-2502-v1:0",
    ),
    _group(
        _PAGES, _routes((_EU_THREE, _EU_THREE)), "eu.anthropic.claude-3-haiku-20240307-v1:0", "eu.meta.llama3-2-1b-instruct-v1:0"
    ),
    _group(
        _TABLE,
        _routes((_EU_THREE, _EU_THREE)),
        "eu.anthropic.claude-3-5-sonnet-20240620-v1:0",
        "eu.anthropic.claude-3-sonnet-20240229-v1:0",
        "eu.meta.llama3-2-3b-instruct-v1:0",
    ),
    _group(_PAGES, _routes(("eu-west-1", _EU)), "eu.twelvelabs.marengo-embed-2-7-v1:0", "eu.twelvelabs.marengo-embed-3-0-v1:0"),
    _group(_BOTH, _routes((_APAC_SEVEN, _APAC_EIGHT)) | _FROM_SMALL_APAC, "apac.anthropic.claude-sonnet-4-20250514-v1:0"),
    _group(
        _TABLE,
        _routes((_APAC_FIVE, _APAC_SIX)),
        "apac.amazon.nova-lite-v1:0",
        "apac.amazon.nova-micro-v1:0",
        "apac.amazon.nova-pro-v1:0",
    ),
    _group(
        _TABLE,
        _routes((_APAC_FIVE, _APAC_FIVE)),
        "apac.anthropic.claude-3-5-sonnet-20240620-v1:0",
        "apac.anthropic.claude-3-haiku-20240307-v1:0",
        "apac.anthropic.claude-3-sonnet-20240229-v1:0",
    ),
    _group(
        _TABLE, _routes((_APAC_SIX, _APAC_SIX), ("ap-south-2", _APAC_SEVEN)), "apac.anthropic.claude-3-5-sonnet-20241022-v2:0"
    ),
    _group(_TABLE, _routes((_APAC_SEVEN, _APAC_SEVEN)), "apac.anthropic.claude-3-7-sonnet-20250219-v1:0"),
    _group(
        _PAGES,
        _FROM_NEW_ZEALAND,
        "au.anthropic.claude-haiku-4-5-20251001-v1:0",
        "au.anthropic.claude-opus-4-6-v1",
        "au.anthropic.claude-sonnet-4-5-20250929-v1:0",
        "au.anthropic.claude-sonnet-4-6",
    ),
    _group(_PAGES, _FROM_AU, "au.anthropic.claude-opus-4-7", "au.anthropic.claude-opus-4-8", "au.anthropic.claude-opus-5-5"),
    _group(
        _PAGES,
        _FROM_JP,
        "jp.anthropic.claude-haiku-4-5-20251001-v1:0",
        "jp.anthropic.claude-opus-4-7",
        "jp.anthropic.claude-opus-4-8",
        "jp.anthropic.claude-opus-5-5",
        "jp.anthropic.claude-sonnet-4-5-20250929-v1:0",
        "jp.anthropic.claude-sonnet-4-6",
    ),
    _group(_PAGES, _routes(("ap-northeast-1", _JP)), "jp.amazon.nova-2-lite-v1:0"),
)
"""System-defined inference profiles; each is listed once."""

GUARDRAIL_PROFILES: Final[Mapping[str, ProfileRoutes]] = {
    "apac.guardrail.v1:0": _routes((_APAC_FIVE, _APAC_SIX), ("me-central-1", f"{_APAC_NINE} me-central-1")) | _FROM_SMALL_APAC,
    "au.guardrail.v1:0": _routes(("ap-southeast-2", "ap-southeast-2")),
    "ca.guardrail.v1:0": _routes(("ca-central-1", _CA)),
    "eu.guardrail.v1:0": _FROM_ISRAEL,
    "uk.guardrail.v1:0": _routes(("eu-west-2", "eu-west-2")),
    "us-gov.guardrail.v1:0": _routes((_GOV, _GOV)),
    "us.guardrail.v1:0": _FROM_CALIFORNIA,
}
"""
System-defined guardrail profiles.

Source: Bedrock User Guide, "Supported Regions for cross-Region guardrail inference", copy of September or October 2026. These
rows grow: an older copy has four destinations for ``eu.guardrail.v1:0``, this one has six.
"""
