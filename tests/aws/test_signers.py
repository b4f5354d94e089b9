from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from aws.test_signing_guard import guardrail_of, sign
from botocore import auth
from harness.clients import HR, MODEL

from guardedbedrock import Guard, GuardrailTamperedError
from guardedbedrock.aws.signer.signing_guard import add_signing_guard

if TYPE_CHECKING:
    from collections.abc import Iterator

PLAIN = vars(auth.SigV4Auth)["add_auth"]
RULES = Guard(guardrails=[HR]).rules


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    """Check after each test that botocore's signers are unpatched."""
    yield
    assert vars(auth.SigV4Auth)["add_auth"] is PLAIN


def test_signers_are_wrapped_once_for_all_signing_guards() -> None:
    first = add_signing_guard(RULES, ())
    wrapped = vars(auth.SigV4Auth)["add_auth"]
    second = add_signing_guard(RULES, ())

    assert vars(auth.SigV4Auth)["add_auth"] is wrapped
    assert wrapped.__wrapped__ is PLAIN
    first.remove()
    assert guardrail_of(sign()) == (HR.arn, HR.version)
    second.remove()
    assert guardrail_of(sign()) == (None, None)


def test_most_recent_signing_guard_decides_until_it_is_removed() -> None:
    strict = add_signing_guard(RULES, ())
    lax = add_signing_guard(Guard(guardrails=[HR], mode="off").rules, ())

    sign(f"/model/{MODEL}/converse")
    lax.remove()
    with pytest.raises(GuardrailTamperedError):
        sign(f"/model/{MODEL}/converse")
    strict.remove()


def test_removing_a_signing_guard_twice_keeps_the_others() -> None:
    first, second = add_signing_guard(RULES, ()), add_signing_guard(RULES, ())
    first.remove()
    first.remove()

    assert guardrail_of(sign()) == (HR.arn, HR.version)
    second.remove()


def test_later_wrapper_of_a_signer_stays() -> None:
    first = add_signing_guard(RULES, ())
    ours, seen = vars(auth.SigV4Auth)["add_auth"], []

    def theirs(self: Any, request: Any) -> None:
        seen.append(request)
        ours(self, request)

    auth.SigV4Auth.add_auth = theirs
    first.remove()
    assert vars(auth.SigV4Auth)["add_auth"] is theirs
    assert guardrail_of(sign()) == (None, None)

    second = add_signing_guard(RULES, ())
    assert vars(auth.SigV4Auth)["add_auth"] is theirs
    assert guardrail_of(sign()) == (HR.arn, HR.version)
    assert len(seen) == 2

    auth.SigV4Auth.add_auth = ours
    second.remove()


def test_subclass_of_a_signer_is_checked() -> None:
    class Own(auth.SigV4Auth):  # type: ignore[misc]  # botocore has no types
        def add_auth(self, request: Any) -> None:
            request.headers["X-Own"] = "1"
            super().add_auth(request)

    stood = add_signing_guard(RULES, ())

    assert guardrail_of(sign(signer=Own)) == (HR.arn, HR.version)
    stood.remove()


def test_threads_add_use_and_remove_signing_guards_concurrently() -> None:
    last = add_signing_guard(RULES, ())

    def come_and_go(_: int) -> tuple[str | None, str | None]:
        stood = add_signing_guard(RULES, ())
        try:
            return guardrail_of(sign())
        finally:
            stood.remove()

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(come_and_go, range(400))) == {(HR.arn, HR.version)}
    last.remove()
