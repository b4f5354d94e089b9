"""Resource patterns, compared with the second engine, with and without unknown parts of the resource."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Final

import pytest
from iam.oracle.questions import asked
from iam.oracle.resources import resource_fits

from guardedbedrock.iam.matching.requests import Request
from guardedbedrock.iam.matching.resources import compile_resources

MODEL: Final = "arn:aws:bedrock:us-east-1::foundation-model/acme.tiny-v1:0"
RESOURCES: Final = [
    MODEL,
    "arn:aws:bedrock:us-east-1:111122223333:guardrail/abc",
    "arn:aws:s3:::bucket/a/b:c",
    "arn:aws:s3:::*",
    "arn:aws:bedrock:*::foundation-model/*",
    "arn:aws:bedrock:*:*:guard*/a*c",
    "arn:aws:bedrock:eu-west-1:111122223333",
    "arn::::::",
    "abc:aws:bedrock:us-east-1:111122223333:guardrail/abc",
    "arn:aws:bedrock:us-x:y-1::foundation-model/m",
    "arn:aws:bedrock:us-east-1:1:3:guardrail/abc",
    "arn:ab:cs:r:a:b:x",
    "*",
    "",
]
RESOURCE_PATTERNS: Final = [
    *RESOURCES,
    "arn:*",
    "arn:aws:bedrock:*",
    "arn:aws:bedrock:*:*:*",
    "arn:aws:bedrock:*::*",
    "arn:aws:bedrock:us-*-1::foundation-model/*",
    "arn:aws:bedrock:us-*t-1::foundation-model/*",
    "arn:aws:bedrock:us-east-?::foundation-model/*",
    "arn:aws:bedrock:?*:*:*",
    "arn:aws:bedrock:*1:*:*",
    "arn:aws:*k:us-east-1::foundation-model/*",
    "arn:a*s:*:*:*:*",
    "a*n:aws:bedrock:us-east-1:111122223333:guardrail/*",
    "*n:aws:bedrock:us-east-1:111122223333:guardrail/abc",
    "?rn:aws:bedrock:us-east-1:111122223333:guardrail/abc",
    "arn:aws:bedrock:us-east-1:1*3:guardrail/abc",
    "arn:aws:bedrock:us-east-1:1*1:guardrail/abc",
    "arn:aws:bedrock:us-east-1:????????????:guardrail/abc",
    "arn:aws:bedrock:us-east-1:*3:guardrail/*c",
    "arn:aws:bedrock:us-east-1:*:guardrail/a?c",
    "arn:aws:bedrock:us-east-1::foundation-model/*:0",
    "arn:aws:bedrock:us-east-1::foundation-model/*:?",
    "arn:aws:bedrock:us-east-1::foundation-model/*:*:*",
    "arn:aws:s3:::*/*:c",
    "arn:aws:s3:::bucket/*b?c",
    "arn:*:0",
    "arn:*:guardrail/abc",
    "arn:aws:bedrock:*c",
    "*:guardrail/abc",
    "?*",
    "*:a*s:*:*:*:x",
    "arn:aws:bedrock:us-east-1:${aws:PrincipalAccount}:guardrail/abc",
    "arn:aws:bedrock:us-east-1:111122223333:guardrail/${k:name}",
    "arn:aws:bedrock:us-east-1:111122223333:${k:name}${k:name}",
    "arn:aws:bedrock:us-*-1:*:guardrail/${k:name}",
    "arn:aws:s3:::${k:bucket, 'bucket'}/a/*",
    "arn:aws:s3:::${*}",
    "arn:aws:s3:::bucket/${k:open}",
    "${k:open}",
    "${k:gone}*",
    "arn:aws:bedrock:${k:gone}",
]
CONTEXT: Final = {"aws:PrincipalAccount": "111122223333", "k:name": "abc"}
UNKNOWN_PARTS: Final = [
    (),
    ("resource:id",),
    ("resource:account",),
    ("resource:region",),
    ("resource:region", "resource:account"),
    ("resource:account", "resource:id"),
]


def requests() -> Iterator[Request]:
    """Yield a request for every resource, with and without unknown parts."""
    for resource, unknown in itertools.product(RESOURCES, UNKNOWN_PARTS):
        yield Request("arn:aws:iam::111122223333:role/App", "acme:Get", resource, CONTEXT, ("k:open", *unknown))


@pytest.mark.parametrize("pattern", RESOURCE_PATTERNS)
def test_resource_pattern_matches_as_in_the_second_engine(pattern: str) -> None:
    """The pattern is tested alone and beside patterns that match nothing."""
    for request in requests():
        expected = resource_fits(pattern, asked(request))
        for beside in ((), ("arn:aws:none:::x",), ("arn:aws:none:::x*", "arn:aws:none:::y")):
            assert expected is compile_resources((pattern, *beside), variables=True)(request)
            assert expected is compile_resources((*beside, pattern), variables=True)(request)
