"""Texts of a class of somebody else's: they say that they equal what was authorized, and are sent as what they are."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Self

import pytest
from botocore.awsrequest import AWSPreparedRequest
from botocore.exceptions import ClientError, ParamValidationError
from harness.bypass import METHODS, on, try_all, unguarded
from harness.clients import CONVERSATIONS, DENIED_MODEL, HR, MODEL, PUBLIC, WEAK, ask, read

from guardedbedrock import AccessDeniedError, Guardrail, GuardrailTamperedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.clients import Make


class Pretender(str):
    """
    A text that looks like another one to whoever compares it.

    Args:
        said: What it is, and what goes over the wire.
        seen: What it pretends to be.
    """

    __slots__ = ("seen",)

    def __new__(cls, said: str, seen: str) -> Self:
        """Be one text and look like the other."""
        made = super().__new__(cls, said)
        made.seen = seen
        return made

    def __hash__(self) -> int:
        """Pretend."""
        return hash(self.seen)

    def __eq__(self, other: object) -> bool:
        """Pretend."""
        return self.seen == other

    def __ne__(self, other: object) -> bool:
        """Pretend."""
        return self.seen != other

    def __str__(self) -> str:
        """Be what is sent, where it is asked for as a text."""
        return self

    def __format__(self, spec: str) -> str:
        """Pretend."""
        return format(self.seen, spec)

    def lower(self) -> str:
        """Pretend."""
        return self.seen.lower()

    def startswith(self, *args: Any) -> bool:
        """Pretend."""
        return self.seen.startswith(*args)

    def partition(self, sep: str) -> tuple[str, str, str]:
        """Pretend."""
        return self.seen.partition(sep)

    def split(self, *args: Any, **options: Any) -> list[str]:
        """Pretend."""
        return self.seen.split(*args, **options)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("before", [False, True], ids=["at-first", "remembered"])
def test_a_model_is_judged_by_what_is_sent(house: Make, method: str, *, before: bool) -> None:
    """Whether the one that it pretends to be was asked about before or not."""
    made = house()
    if before:
        read(getattr(made.client, method)(**ask(method)))

    with pytest.raises(AccessDeniedError):
        getattr(made.client, method)(**{**ask(method), "modelId": Pretender(DENIED_MODEL, MODEL)})

    assert unguarded(made.fake) == []


def test_a_model_gets_the_guardrail_that_is_meant_for_it(house: Make) -> None:
    """And not the one for the model that it pretends to be."""
    weak = Guardrail(PUBLIC.arn, version=PUBLIC.version, models=("amazon.*",))
    made = house(guardrails=[weak, HR])
    made.client.converse(**{**ask("converse"), "modelId": "amazon.nova-lite-v1:0"})
    made.client.converse(**{**ask("converse"), "modelId": Pretender(MODEL, "amazon.nova-lite-v1:0")})

    assert [request.guardrail for request in made.fake.requests] == [(PUBLIC.arn, PUBLIC.version), (HR.arn, HR.version)]
    assert unguarded(made.fake) == []


WEAK_FIRST: Final = {Pretender("guardrailConfig", "requestMetadata"): {"guardrailIdentifier": "weak", "guardrailVersion": "1"}}
"""A parameter that is taken for another one, and written under its own name."""


@pytest.mark.parametrize("method", ["converse", "converse_stream"])
def test_a_parameter_is_the_one_that_is_sent(house: Make, method: str) -> None:
    """Such as the application gives it, and such as a handler puts before the guardrail."""
    made = house()
    with suppress(ClientError, ParamValidationError):
        read(getattr(made.client, method)(**WEAK_FIRST, **ask(method)))
    on(made, "provide-client-params", lambda params, **_: {**WEAK_FIRST, **params})

    assert try_all(made, (method,)) == 1
    assert unguarded(made.fake) == []


def other_model(params: dict[str, Any]) -> None:
    params["modelId"] = Pretender(DENIED_MODEL, params["modelId"])


def other_method(request: Any) -> None:
    request.method = Pretender("PUT", request.method)


def other_length(request: Any) -> None:
    request.headers["Content-Length"] = Pretender("2", str(request.headers["Content-Length"]))


def chunked(request: Any) -> None:
    request.headers[Pretender("Transfer-Encoding", "X-Trace")] = "chunked"


def two_guardrails(request: Any) -> None:
    for name, value in (("Identifier", "weak"), ("Version", "1")):
        request.headers[Pretender(f"X-Amzn-Bedrock-Guardrail{name}", f"X-{name}")] = value


EDITS: Final[dict[str, tuple[str, Callable[..., None]]]] = {
    "the model": ("before-parameter-build", lambda params, **_: other_model(params)),
    "the method": ("before-send", lambda request, **_: other_method(request)),
    "the method, unsigned": ("before-sign", lambda request, **_: other_method(request)),
    "the length": ("before-send", lambda request, **_: other_length(request)),
    "a header": ("before-send", lambda request, **_: chunked(request)),
    "headers of a guardrail": ("before-send", lambda request, **_: two_guardrails(request)),
    "headers of a guardrail, signed": ("before-sign", lambda request, **_: two_guardrails(request)),
}


@pytest.mark.parametrize(("event", "edit"), EDITS.values(), ids=EDITS)
def test_a_handler_gets_no_pretender_past(house: Make, event: str, edit: Callable[..., None]) -> None:
    """What is sent is compared as what it is."""
    made = house()
    on(made, event, edit)

    assert try_all(made) == len(METHODS)
    assert unguarded(made.fake) == made.fake.requests == []


def test_a_job_goes_out_as_no_list(house: Make) -> None:
    """Listing jobs and starting one differ in the method alone."""
    made = house()
    on(made, "before-send", lambda request, **_: setattr(request, "method", Pretender("POST", "GET")))

    with pytest.raises(GuardrailTamperedError):
        made.client.list_async_invokes()

    assert unguarded(made.fake) == made.fake.requests == []


class Unlike(str):
    """A name of a parameter that equals it where botocore asks, and not where it stands beside it."""

    __slots__ = ()

    def __hash__(self) -> int:
        """Be found."""
        return str.__hash__(self)

    def __eq__(self, other: object) -> bool:
        """Equal all but the text that the guard puts in."""
        return str.__eq__(self, other) and other is not sys.intern("guardrailConfig")


def test_a_name_stands_there_once(house: Make) -> None:
    """The guardrail that a parameter of the same name has would be the first of two in the body."""
    made = house()

    def first(params: dict[str, Any], **_: Any) -> None:
        kept = dict(params)
        params.clear()
        params.update({Unlike("guardrailConfig"): dict(WEAK), **kept})

    on(made, "before-parameter-build", first)

    assert try_all(made, CONVERSATIONS) == len(CONVERSATIONS)
    assert unguarded(made.fake) == made.fake.requests == []


class Turning(AWSPreparedRequest):  # type: ignore[misc]  # botocore has no types
    """A request whose URL is the authorized one as often as it is read at first, and another one then."""

    left = 0
    right = ""

    @property
    def url(self) -> str:
        """Turn."""
        self.left -= 1
        return self.right if self.left >= 0 else self.right.replace("haiku-20240307", "opus-20240229")


@pytest.mark.parametrize("times", range(5))
def test_a_request_is_one_of_botocores_own(house: Make, times: int) -> None:
    """What is read twice is the same twice."""
    made = house()

    def turn(request: Any, **_: Any) -> None:
        right = request.__dict__.pop("url")
        request.__class__ = Turning
        request.left, request.right = times, right

    on(made, "before-send", turn)

    assert try_all(made) == len(METHODS)
    assert unguarded(made.fake) == made.fake.requests == []


def test_a_request_to_be_signed_is_too(house: Make) -> None:
    """A presigned URL is not looked at again."""
    made = house()
    on(made, "before-sign", lambda request, **_: setattr(request, "__class__", type("Mine", (type(request),), {})))

    with pytest.raises(GuardrailTamperedError):
        made.client.generate_presigned_url("invoke_model", ask("invoke_model"))

    assert unguarded(made.fake) == []
