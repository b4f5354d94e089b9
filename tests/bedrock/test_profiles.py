"""The routes of profiles: rows as AWS documents them, and the format of every row."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import botocore.session
import pytest

from guardedbedrock.bedrock.resources.profile_data import GROUPS, GUARDRAIL_PROFILES, ProfileGroup, ProfileRoutes
from guardedbedrock.bedrock.resources.profiles import destinations, guardrail_destinations

SESSION = botocore.session.Session()
REGIONS = {
    region: partition for partition in ("aws", "aws-us-gov") for region in SESSION.get_available_regions("bedrock", partition)
}
PROVIDERS = {
    "amazon",
    "anthropic",
    "cohere",
    "deepseek",
    "meta",
    "mistral",
    "nvidia",
    "openai",
    "stability",
    "twelvelabs",
    "writer",
}
GEOGRAPHIES = {"apac", "au", "ca", "eu", "jp", "us", "us-gov"}
IDS = [profile for group in GROUPS for profile in group.profiles]
EVERY = {**{profile: group.routes for group in GROUPS for profile in group.profiles}, **GUARDRAIL_PROFILES}

TABLE = "Bedrock User Guide, Supported Regions and models for inference profiles, copy of December 2025 or January 2026"
PAGE = "Bedrock User Guide, Models at a glance, the model's page, copy of 2026"
REPLY = "Bedrock API Reference, GetInferenceProfile, a reply of 2026"
GUARDRAILS = "Bedrock User Guide, Supported Regions for cross-Region guardrail inference, copy of 2026"


@dataclass(frozen=True, slots=True)
class Case:
    """One documented row, its space-separated Regions, and its page."""

    profile: str
    region: str
    to: str
    source: str


CASES = (
    Case("us.anthropic.claude-sonnet-4-20250514-v1:0", "us-east-2", "us-east-1 us-east-2 us-west-2", PAGE),
    Case("us.anthropic.claude-sonnet-4-20250514-v1:0", "us-west-1", "us-east-1 us-east-2 us-west-1 us-west-2", PAGE),
    Case("us.anthropic.claude-sonnet-4-6", "ca-west-1", "ca-west-1 us-east-1 us-east-2 us-west-2", PAGE),
    Case("us.anthropic.claude-haiku-4-5-20251001-v1:0", "ca-central-1", "ca-central-1 us-east-1 us-east-2 us-west-2", PAGE),
    Case("us.anthropic.claude-3-haiku-20240307-v1:0", "us-east-1", "us-east-1 us-west-2", PAGE),
    Case("us.anthropic.claude-3-haiku-20240307-v1:0", "us-east-2", "us-east-1 us-east-2 us-west-2", PAGE),
    Case("us.anthropic.claude-3-5-sonnet-20240620-v1:0", "us-east-2", "us-east-1 us-west-2", TABLE),
    Case("us.anthropic.claude-opus-5", "us-east-1", "us-east-1 us-east-2 us-west-2", REPLY),
    Case("us.openai.gpt-6.1-sol", "us-west-1", "us-east-1 us-east-2 us-west-1 us-west-2", PAGE),
    Case("us.twelvelabs.pegasus-1-2-v1:0", "us-east-1", "us-east-1 us-east-2 us-west-1 us-west-2", PAGE),
    Case("us-gov.nvidia.nemotron-super-3-120b", "us-gov-east-1", "us-gov-east-1 us-gov-west-1", PAGE),
    Case("ca.amazon.nova-lite-v1:0", "ca-west-1", "ca-central-1 ca-west-1", TABLE),
    Case(
        "eu.anthropic.claude-opus-5-5",
        "eu-west-2",
        "eu-central-1 eu-north-1 eu-south-1 eu-south-2 eu-west-1 eu-west-2 eu-west-3",
        PAGE,
    ),
    Case("eu.amazon.nova-pro-v1:0", "eu-south-2", "eu-central-1 eu-north-1 eu-south-2 eu-west-1 eu-west-3", PAGE),
    Case("eu.amazon.nova-pro-v1:0", "il-central-1", "eu-central-1 eu-north-1 eu-south-1 eu-west-1 eu-west-3 il-central-1", PAGE),
    Case(
        "apac.anthropic.claude-sonnet-4-20250514-v1:0",
        "ap-southeast-1",
        "ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-south-1 ap-south-2 ap-southeast-1 ap-southeast-2 ap-southeast-4",
        PAGE,
    ),
    Case(
        "apac.amazon.nova-lite-v1:0",
        "ap-south-1",
        "ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-south-1 ap-southeast-1 ap-southeast-2",
        TABLE,
    ),
    Case("au.anthropic.claude-sonnet-4-6", "ap-southeast-6", "ap-southeast-2 ap-southeast-4 ap-southeast-6", PAGE),
    Case("jp.amazon.nova-2-lite-v1:0", "ap-northeast-1", "ap-northeast-1 ap-northeast-3", PAGE),
)

GUARDRAIL_CASES = (
    Case("us.guardrail.v1:0", "us-east-1", "us-east-1 us-east-2 us-west-2", GUARDRAILS),
    Case("us.guardrail.v1:0", "us-west-1", "us-east-1 us-east-2 us-west-1 us-west-2", GUARDRAILS),
    Case("eu.guardrail.v1:0", "eu-west-1", "eu-central-1 eu-north-1 eu-south-1 eu-south-2 eu-west-1 eu-west-3", GUARDRAILS),
    Case("uk.guardrail.v1:0", "eu-west-2", "eu-west-2", GUARDRAILS),
    Case("ca.guardrail.v1:0", "ca-central-1", "ca-central-1 ca-west-1", GUARDRAILS),
    Case(
        "apac.guardrail.v1:0",
        "ap-northeast-1",
        "ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-south-1 ap-southeast-1 ap-southeast-2",
        GUARDRAILS,
    ),
    Case("us-gov.guardrail.v1:0", "us-gov-west-1", "us-gov-east-1 us-gov-west-1", GUARDRAILS),
)

UNKNOWN = {
    "a source that is not documented": ("jp.amazon.nova-2-lite-v1:0", "ap-northeast-3"),
    "a source of another geography": ("us.anthropic.claude-sonnet-4-6", "eu-west-1"),
    "a row on which the copies disagree": ("us-gov.anthropic.claude-sonnet-4-5-20250929-v1:0", "us-gov-east-1"),
    "a model that has no such profile": ("jp.anthropic.claude-opus-4-6-v1", "ap-northeast-1"),
    "an unknown model": ("us.anthropic.claude-next", "us-east-1"),
    "an unknown prefix": ("mars.anthropic.claude-sonnet-4-6", "us-east-1"),
    "a global profile": ("global.anthropic.claude-sonnet-4-6", "us-east-1"),
    "a model without a profile": ("anthropic.claude-sonnet-4-6", "us-east-1"),
    "an ARN": ("arn:aws:bedrock:us-east-1:111122223333:inference-profile/us.anthropic.claude-sonnet-4-6", "us-east-1"),
    "nothing": ("", ""),
}


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.profile}/{case.region}")
def test_destinations_of_an_inference_profile_are_the_documented_ones(case: Case) -> None:
    """The destinations are those of the page that the case names."""
    assert destinations(case.profile, case.region) == tuple(case.to.split())


@pytest.mark.parametrize("case", GUARDRAIL_CASES, ids=lambda case: f"{case.profile}/{case.region}")
def test_destinations_of_a_guardrail_profile_are_the_documented_ones(case: Case) -> None:
    """The destinations are those of the page that the case names."""
    assert guardrail_destinations(case.profile, case.region) == tuple(case.to.split())


@pytest.mark.parametrize(("profile", "region"), UNKNOWN.values(), ids=UNKNOWN)
def test_destinations_of_an_undocumented_profile_are_unknown(profile: str, region: str) -> None:
    """The function returns None and guesses nothing from the prefix."""
    assert destinations(profile, region) is None
    assert guardrail_destinations(profile, region) is None


def test_inference_and_guardrail_profiles_have_separate_tables() -> None:
    """A guardrail profile is not an inference profile, and vice versa."""
    assert destinations("us.guardrail.v1:0", "us-east-1") is None
    assert guardrail_destinations("us.anthropic.claude-sonnet-4-6", "us-east-1") is None
    assert guardrail_destinations("us.guardrail.v2:0", "us-east-1") is None


def test_each_profile_is_listed_once() -> None:
    """With two rows for one profile, the later one would silently win."""
    assert [profile for profile, times in Counter(IDS).items() if times > 1] == []


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.profiles[0])
def test_a_group_is_sorted_and_names_its_page(group: ProfileGroup) -> None:
    """IDs are sorted, and the source is a page of the Bedrock guides with the age of its copy."""
    assert list(group.profiles) == sorted(group.profiles)
    assert group.source.startswith("Bedrock ")
    assert "202" in group.source


@pytest.mark.parametrize("profile", IDS)
def test_a_profile_id_has_a_geography_a_provider_and_a_model(profile: str) -> None:
    """A misspelled ID would never match."""
    geography, provider, model = profile.split(".", 2)

    assert geography in GEOGRAPHIES
    assert provider in PROVIDERS
    assert model == model.strip().lower()


@pytest.mark.parametrize(("profile", "routes"), EVERY.items(), ids=EVERY)
def test_routes_have_regions_of_one_partition(profile: str, routes: ProfileRoutes) -> None:
    """Every Region is a Bedrock Region of botocore in the partition of the profile; destinations are sorted and unique."""
    partition = "aws-us-gov" if profile.startswith("us-gov.") else "aws"

    assert routes
    for source, to in routes.items():
        assert {REGIONS.get(region) for region in (source, *to)} == {partition}
        assert list(to) == sorted(set(to))


@pytest.mark.parametrize(("profile", "routes"), EVERY.items(), ids=EVERY)
def test_a_source_region_is_a_destination(profile: str, routes: ProfileRoutes) -> None:
    """AWS documents one exception: Ohio, for one old model."""
    stray = {source for source, to in routes.items() if source not in to}

    assert stray == ({"us-east-2"} if profile == "us.anthropic.claude-3-5-sonnet-20240620-v1:0" else set())
