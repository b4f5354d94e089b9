"""Properties of signatures: every signature of botocore is valid, and every later change makes it invalid."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from guardedbedrock.testing.server import signatures
from guardedbedrock.testing.wire import HttpRequest

CREDENTIALS = Credentials("AKIAEXAMPLE", "secret/key+", "token==")
NAMES = st.sampled_from(["x-amzn-bedrock-trace", "accept", "x-a", "content-type"])
TEXTS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=12)
SPACED = st.lists(TEXTS, min_size=1, max_size=3).map("  ".join)
SEGMENTS = st.lists(st.text(max_size=8).filter(lambda text: text not in {".", ".."}), min_size=1, max_size=4)
REQUESTS = st.fixed_dictionaries(
    {
        "segments": SEGMENTS,
        "query": st.dictionaries(TEXTS, st.text(max_size=8), max_size=3),
        "headers": st.dictionaries(NAMES, SPACED, max_size=3),
        "body": st.binary(max_size=40),
    }
)


def _signed(made: dict[str, Any], signer: type[SigV4Auth]) -> HttpRequest:
    """Sign a request with botocore, and return it as the server receives it."""
    path = "/" + "/".join(quote(segment.encode("utf-8", "replace"), safe="") for segment in made["segments"])
    query = f"?{urlencode(made['query'], quote_via=quote)}" if made["query"] else ""
    body = made["body"] if signer is SigV4Auth else b""
    request = AWSRequest("POST", f"http://127.0.0.1:8080{path}{query}", dict(made["headers"]), body)
    signer(CREDENTIALS, "bedrock", "us-east-1").add_auth(request)
    parts = urlsplit(request.url)
    headers = {name.lower(): value for name, value in request.headers.items()}
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    return HttpRequest("POST", target, {"host": parts.netloc, **headers}, body)


def _is_good(http_request: HttpRequest, secret: str = CREDENTIALS.secret_key) -> bool:
    signature = signatures.read(http_request)
    assert signature is not None
    assert (signature.access_key, signature.token) == (CREDENTIALS.access_key, CREDENTIALS.token)
    return signatures.compute(signature, secret, http_request) == signature.value


@given(REQUESTS)
def test_a_signature_of_botocore_is_valid(made: dict[str, Any]) -> None:
    """The signature is in a header and covers the body. With another secret it is invalid."""
    http_request = _signed(made, SigV4Auth)

    assert _is_good(http_request)
    assert not _is_good(http_request, "another secret")


@given(REQUESTS)
def test_a_presigned_url_of_botocore_is_valid(made: dict[str, Any]) -> None:
    """In the query of a URL."""
    assert _is_good(_signed(made, SigV4QueryAuth))


@given(REQUESTS, st.binary(min_size=1, max_size=5))
def test_a_change_after_signing_makes_the_signature_invalid(made: dict[str, Any], more: bytes) -> None:
    """One more byte of the body, one more segment of the path, another value of a header."""
    http_request = _signed({**made, "headers": {**made["headers"], "x-a": "one"}}, SigV4Auth)
    path, _, query = http_request.target.partition("?")
    changed = (
        HttpRequest("POST", http_request.target, http_request.headers, http_request.body + more),
        HttpRequest("POST", f"{path}/x?{query}", http_request.headers, http_request.body),
        HttpRequest("POST", http_request.target, {**http_request.headers, "x-a": "two"}, http_request.body),
        HttpRequest("PUT", http_request.target, http_request.headers, http_request.body),
    )

    assert not any(map(_is_good, changed))
