"""Splitting ARNs and ARN patterns."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from guardedbedrock.iam.matching.arns import account_of, split_tokens
from guardedbedrock.iam.matching.patterns import ANY, ONE, join


def test_pattern_is_split_at_its_first_five_colons() -> None:
    """The position of the wildcards does not matter."""
    for text in ("a:b", "a:b:c:d:e:f", "a:b:c:d:e:f:g:h", ":::::::", "", "a"):
        for positions in itertools.combinations(range(len(text) + 1), 2):
            first, second = positions
            tokens = (text[:first], ANY, text[first:second], ONE, text[second:])
            whole = [item for token in tokens for item in (token if isinstance(token, str) else [token])]
            expected: list[list[Any]] = [[]]
            for item in whole:
                if item == ":" and len(expected) < 6:
                    expected.append([])
                else:
                    expected[-1].append(item)
            assert tuple(join(part) for part in expected) == split_tokens(tokens)


@pytest.mark.parametrize(
    ("arn", "account"),
    [("arn:a:b:c:111122223333:e:f", "111122223333"), ("arn:a:b:c::e", ""), ("arn:a:b:c", ""), ("arx:a:b:c:1:e", "")],
)
def test_account_is_the_fifth_part(arn: str, account: str) -> None:
    """A string that is not an ARN has no account."""
    assert account == account_of(arn)
