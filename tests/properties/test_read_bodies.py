"""A body that the guard accepts as guarded is guarded for every reader."""

from __future__ import annotations

import json
from typing import Any, Final

from harness.bypass import of_bodies
from harness.strategies import examples
from hypothesis import example, given, settings
from hypothesis import strategies as st

from guardedbedrock.bedrock.guardrail.location import IN_BODY, Wire

NAMED: Final = ("arn:aws:bedrock:us-east-1:123456789012:guardrail/abc123def456", "3")
CONFIG: Final = {"guardrailIdentifier": NAMED[0], "guardrailVersion": NAMED[1]}
MESSAGES: Final = [{"role": "user", "content": [{"text": "hello"}]}]
BODY: Final = json.dumps({"messages": MESSAGES, "guardrailConfig": CONFIG}).encode()
PIECES: Final = (
    b'"guardrailConfig": {}, ',
    b'"guardrail\\u0043onfig": {}, ',
    b'"guardrailVersion": "1", ',
    b'{"guardrailIdentifier": "weak", "guardrailVersion": "1"}',
    b"{}",
    b"}",
    b"{",
    b'"',
    b"\\",
    b",",
    b"null",
    b"\0",
    b"\xef\xbb\xbf",
    b"\xff",
    b"\n",
)
EDITS: Final = st.lists(
    st.tuples(st.integers(0, len(BODY)), st.integers(0, 12), st.one_of(st.sampled_from(PIECES), st.binary(max_size=4))),
    max_size=4,
)


def edited(edits: list[tuple[int, int, bytes]]) -> bytes:
    """Replace parts of a body."""
    body = BODY
    for position, cut, piece in edits:
        body = body[:position] + piece + body[position + cut :]
    return body


@settings(max_examples=examples(300))
@given(EDITS)
@example([])
@example([(1, 0, PIECES[0])])
@example([(1, 0, PIECES[1])])
@example([(BODY.index(b', "guardrailConfig"'), 0, b"}")])
def test_a_body_that_is_accepted_is_guarded_for_every_reader(edits: list[tuple[int, int, bytes]]) -> None:
    """The first of two keys or the last, the first value or all of them: each reader finds the guardrail."""
    body: Any = edited(edits)

    if IN_BODY.carries(Wire("", {}, body), NAMED):
        assert all((said.get("guardrailIdentifier"), said.get("guardrailVersion")) == NAMED for said in of_bodies(body))


def test_the_body_itself_is() -> None:
    """Bodies as botocore writes them."""
    assert IN_BODY.carries(Wire("", {}, BODY), NAMED)
