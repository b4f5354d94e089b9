from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from aws.test_tripwire import HR, MODEL, guardrail_of, sign
from botocore import auth

from guardedbedrock import Guard, GuardrailTamperedError
from guardedbedrock.aws.signer import tripwire

if TYPE_CHECKING:
    from collections.abc import Iterator

PLAIN = vars(auth.SigV4Auth)["add_auth"]
RULES = Guard(guardrails=[HR]).rules


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    """After each test botocore signs as it came."""
    yield
    assert vars(auth.SigV4Auth)["add_auth"] is PLAIN


def test_signers_are_wrapped_once_however_many_stand() -> None:
    first = tripwire.set_tripwire(RULES, ())
    wrapped = vars(auth.SigV4Auth)["add_auth"]
    second = tripwire.set_tripwire(RULES, ())

    assert vars(auth.SigV4Auth)["add_auth"] is wrapped
    assert wrapped.__wrapped__ is PLAIN
    first.remove()
    assert guardrail_of(sign()) == (HR.arn, HR.version)
    second.remove()
    assert guardrail_of(sign()) == (None, None)


def test_the_last_one_decides_until_it_falls() -> None:
    strict, lax = tripwire.set_tripwire(RULES, ()), tripwire.set_tripwire(Guard(guardrails=[HR], mode="off").rules, ())

    sign(f"/model/{MODEL}/converse")
    lax.remove()
    with pytest.raises(GuardrailTamperedError):
        sign(f"/model/{MODEL}/converse")
    strict.remove()


def test_falling_twice_takes_nobody_else_along() -> None:
    first, second = tripwire.set_tripwire(RULES, ()), tripwire.set_tripwire(RULES, ())
    first.remove()
    first.remove()

    assert guardrail_of(sign()) == (HR.arn, HR.version)
    second.remove()


def test_what_somebody_wrapped_since_stays_wrapped() -> None:
    """Taking ours away would take theirs along; ours lets all pass, and is used again by who stands next."""
    first = tripwire.set_tripwire(RULES, ())
    ours, seen = vars(auth.SigV4Auth)["add_auth"], []

    def theirs(self: Any, request: Any) -> None:
        seen.append(request)
        ours(self, request)

    auth.SigV4Auth.add_auth = theirs
    first.remove()
    assert vars(auth.SigV4Auth)["add_auth"] is theirs
    assert guardrail_of(sign()) == (None, None)

    second = tripwire.set_tripwire(RULES, ())
    assert vars(auth.SigV4Auth)["add_auth"] is theirs
    assert guardrail_of(sign()) == (HR.arn, HR.version)
    assert len(seen) == 2

    auth.SigV4Auth.add_auth = ours
    second.remove()


def test_a_subclass_signs_through_it_too() -> None:
    class Own(auth.SigV4Auth):
        def add_auth(self, request: Any) -> None:
            request.headers["X-Own"] = "1"
            super().add_auth(request)

    stood = tripwire.set_tripwire(RULES, ())

    assert guardrail_of(sign(signer=Own)) == (HR.arn, HR.version)
    stood.remove()


def test_threads_stand_sign_and_fall_side_by_side() -> None:
    last = tripwire.set_tripwire(RULES, ())

    def come_and_go(_: int) -> tuple[str | None, str | None]:
        stood = tripwire.set_tripwire(RULES, ())
        try:
            return guardrail_of(sign())
        finally:
            stood.remove()

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(come_and_go, range(400))) == {(HR.arn, HR.version)}
    last.remove()
