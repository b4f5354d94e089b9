"""
Whatever the bytes of a document, the answer is a document or a `PolicySyntaxError`, after work in proportion to them.

Work is counted in function calls and in characters made, so that the bound is the same on every machine.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from typing import Any, Final, TypeAlias

import pytest
from harness import casefiles
from harness.strategies import examples
from hypothesis import example, given, settings
from hypothesis import strategies as st

from guardedbedrock import iam
from guardedbedrock.iam.language.limits import findings
from guardedbedrock.iam.language.writer import write

Json: TypeAlias = Any
CALLS: Final = 8
"""The number of calls that each character of a document may cost."""
CHARACTERS: Final = 20
"""The number of characters that the result may have for each character of a document."""
LITTLE: Final = 600
"""The number of calls and of characters that every document may have in addition."""


def corpus() -> Iterator[tuple[iam.PolicyType, bytes]]:
    """Yield the policies of the case files: the type, and the JSON text in UTF-8."""
    for case in casefiles.read(casefiles.CASES / "iam.json", casefiles.CASES / "iam"):
        for policy_type, documents in case["policies"].items():
            levels = documents if policy_type in ("scp", "rcp") else [documents]
            yield from ((policy_type, json.dumps(one).encode()) for level in levels for one in level)


REAL: Final = sorted(set(corpus()), key=lambda row: (len(row[1]), row))
TYPES: Final = st.sampled_from(iam.POLICY_TYPES)
ENCODINGS: Final = st.sampled_from(("utf-8", "utf-8", "latin-1", "utf-16"))
PIECES: Final = st.binary(max_size=4) | st.sampled_from(
    (
        *(b"", b"", b"{", b"}", b"[", b"]", b'"', b",", b":", b"\\", b"\\u", b"\\ud800", b"\\u0000", b"\x00", b"\xef\xbb\xbf"),
        *(b"null", b"NaN", b"-Infinity", b"-0", b"1e64", b"1e-64", b"1e999999999", b"1E+99999999999999999999"),
        *(
            b"9" * 500,
            b"9" * 5_000,
            b"[" * 2_000,
            b'{"Statement":' * 800,
            b'[{"":' * 400,
            b'"' + b"\\" * 500,
            b" " * 500,
            b"0." + b"0" * 300,
        ),
        *(b'"Sid":"A",', b'"Effect":"Deny",', b'"Version":"2008-10-17",', b'"Action":[],', b'"NotAction":"*",'),
        *(b'"Principal":"*",', b'"Condition":{"StringLike":{"k":["v",1,true]}},', b'"Null":{"k":"true"},'),
        *("\u2019\u2028\U0001f600".encode(), b"${", b"}", b"*" * 200, b"ForAnyValue:", b"IfExists", b"arn:aws:"),
    )
)
EDITS: Final = st.lists(st.tuples(st.integers(0, 2**12), st.integers(0, 40), PIECES), min_size=1, max_size=4)


def edited(raw: bytes, edits: Iterable[tuple[int, int, bytes]]) -> bytes:
    """Replace parts of some bytes."""
    for at, cut, piece in edits:
        position = at % (len(raw) + 1)
        raw = raw[:position] + piece + raw[position + cut :]
    return raw


def answer(source: Json, policy_type: iam.PolicyType, size: int) -> iam.PolicyDocument | None:
    """Read a document; None if it is rejected with a `PolicySyntaxError`. Check the cost of both."""
    calls, before = 0, sys.getprofile()

    def count(*_: object) -> None:
        nonlocal calls
        calls += 1

    found: iam.PolicyDocument | None = None
    sys.setprofile(count)
    try:
        found = iam.parse(source, policy_type, name="p")
    except iam.PolicySyntaxError as refused:
        said = str(refused)
    finally:
        sys.setprofile(before)
    if found:
        said = repr(found)
    assert calls <= LITTLE + CALLS * size
    assert len(said) <= LITTLE + CHARACTERS * size
    return found


def check(text: str, policy_type: iam.PolicyType) -> None:
    """Read text. A document that was read can be written; text that was rejected can be measured."""
    found = answer(text, policy_type, len(text))

    assert found is None or iam.parse(write(found), policy_type, name="p") == found
    assert len(findings(text, policy_type)) <= len(text)


@settings(max_examples=examples(300))
@given(st.binary(max_size=200), ENCODINGS, TYPES)
def test_random_bytes(raw: bytes, encoding: str, policy_type: iam.PolicyType) -> None:
    """Most of them are not UTF-8, and even fewer are JSON."""
    check(raw.decode(encoding, "replace"), policy_type)


@settings(max_examples=examples(300))
@given(st.lists(PIECES, max_size=20).map(b"".join), ENCODINGS, TYPES)
def test_bytes_that_look_like_a_document(raw: bytes, encoding: str, policy_type: iam.PolicyType) -> None:
    """Pieces of documents in any order."""
    check(raw.decode(encoding, "replace"), policy_type)


@settings(max_examples=examples(700))
@given(st.sampled_from(REAL), EDITS)
@example(REAL[0], [(0, 0, b"[" * 2_000)])
def test_real_documents_with_changed_bytes(real: tuple[iam.PolicyType, bytes], edits: list[tuple[int, int, bytes]]) -> None:
    """A document of the case files in which something was cut out or put in."""
    policy_type, raw = real

    check(edited(raw, edits).decode("utf-8", "replace"), policy_type)


@settings(max_examples=examples(300))
@given(st.sampled_from(REAL), st.sampled_from(REAL), st.integers(0, 2**12), st.integers(0, 2**12))
def test_halves_of_two_real_documents(
    first: tuple[iam.PolicyType, bytes], second: tuple[iam.PolicyType, bytes], upto: int, since: int
) -> None:
    """The beginning of one and the end of another, of whatever types."""
    (policy_type, head), (_, tail) = first, second

    check((head[: upto % len(head)] + tail[since % len(tail) :]).decode("utf-8", "replace"), policy_type)


STATEMENT: Final = '{"Effect":"Allow","Action":"a:b","Resource":"*"'
MANY: Final = 10_000
HOSTILE: Final = {
    "arrays": "[" * MANY,
    "arrays that end": "[" * MANY + "]" * MANY,
    "arrays not too deep to read": '{"Statement":' + "[" * 500 + "]" * 500 + "}",
    "objects": '{"Statement":' * MANY,
    "conditions": f'{{"Statement":{STATEMENT},"Condition":' + '{"Bool":' * 500 + "{}" + "}" * 502,
    "digits": f'{{"Id":{"9" * MANY}}}',
    "decimals": f'{{"Statement":{STATEMENT},"Condition":{{"NumericEquals":{{"k":0.{"1" * MANY}}}}}}}}}',
    "exponents": f'{{"Statement":{STATEMENT},"Condition":{{"NumericEquals":{{"k":[{"1e64," * MANY}1]}}}}}}}}',
    "exponent": f'{{"Statement":{STATEMENT},"Condition":{{"NumericEquals":{{"k":1e{"9" * MANY}}}}}}}}}',
    "large exponent": f'{{"Statement":{STATEMENT},"Condition":{{"NumericEquals":{{"k":1e999999}}}}}}}}',
    "small exponent": f'{{"Statement":{STATEMENT},"Condition":{{"NumericEquals":{{"k":1e-999999}}}}}}}}',
    "white space": " " * MANY * 10 + "{}",
    "backslashes": '{"Id":"' + "\\" * MANY,
    "surrogates": '{"Id":"' + "\\ud800" * MANY + '","Statement":' + STATEMENT + "}}",
    "raw surrogates": '{"Id":"' + "\udc80" * MANY + '","Statement":' + STATEMENT + "}}",
    "wide characters": '{"Id":"' + "\U0001f600" * MANY + '","Statement":' + STATEMENT + "}}",
    "zeros": "\x00" * MANY,
    "byte order marks": "\ufeff" * MANY,
    "statements": '{"Statement":[' + f"{STATEMENT}}}," * MANY + f"{STATEMENT}}}]}}",
    "statements of one Sid": '{"Statement":[' + f'{STATEMENT},"Sid":"A"}},' * MANY + f"{STATEMENT}}}]}}",
    "unknown elements": "{" + ",".join(f'"{n}":1' for n in range(MANY)) + "}",
    "one key": "{" + '"Id":1,' * MANY + '"Id":1}',
    "long key": f'{{"{"~/" * MANY}":1}}',
    "operators": f'{{"Statement":{STATEMENT},"Condition":{{' + ",".join(f'"{n}Bool":{{}}' for n in range(MANY)) + "}}}",
    "keys": f'{{"Statement":{STATEMENT},"Condition":{{"Bool":{{' + ",".join(f'"{n}":1' for n in range(MANY)) + "}}}}",
    "quantifiers": f'{{"Statement":{STATEMENT},"Condition":{{"{"ForAnyValue:" * MANY}Bool":{{}}}}}}}}',
    "suffixes": f'{{"Statement":{STATEMENT},"Condition":{{"Bool{"IfExists" * MANY}":{{}}}}}}}}',
    "colons": '{"Statement":{"Effect":"Allow","Resource":"*","Action":"' + ":" * MANY + '"}}',
    "stars": '{"Statement":{"Effect":"Allow","Action":"*","Resource":"arn:' + "*" * MANY + '"}}',
    "variables": '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"arn:' + "${" * MANY + '*"}}',
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_document_costs_no_more_than_its_size(text: str) -> None:
    """Deep, long, or repeated without end."""
    check(text, "identity")
