"""Other hosts: a handler that redirects the request, an endpoint that is changed later, HTTP redirects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest
from harness.bypass import METHODS, on, try_all, unguarded
from harness.clients import ON_THE_SERVER, ask

from guardedbedrock import GuardrailTamperedError
from guardedbedrock.testing import FakeBedrock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.clients import Make

HOSTS: Final = ("{other}", "{other}@elsewhere", "elsewhere", "elsewhere#@{other}", "{own}.elsewhere")


@pytest.fixture(name="other")
def start_other() -> Iterator[FakeBedrock]:
    """A second fake: another Region, or another host."""
    with FakeBedrock(guardrails=ON_THE_SERVER) as fake:
        yield fake


@pytest.mark.parametrize("event", ["request-created", "before-sign", "before-send"])
@pytest.mark.parametrize("host", HOSTS)
def test_request_to_another_host_is_refused(harness: Make, other: FakeBedrock, host: str, event: str) -> None:
    env = harness()
    own, there = (fake.endpoint_url.removeprefix("http://") for fake in (env.fake, other))
    on(env, event, lambda request, **_: setattr(request, "url", request.url.replace(own, host.format(other=there, own=own))))

    assert try_all(env) == len(METHODS)
    assert unguarded(env.fake, other) == []
    assert env.fake.requests == []
    assert other.requests == []


def test_request_with_another_scheme_is_refused(harness: Make) -> None:
    env = harness()
    on(env, "before-sign", lambda request, **_: setattr(request, "url", request.url.replace("http://", "HTTPS://")))

    assert try_all(env) == len(METHODS)
    assert unguarded(env.fake) == []
    assert env.fake.requests == []


def test_endpoint_resolved_by_a_handler_gets_guarded_requests(harness: Make, other: FakeBedrock) -> None:
    env = harness()

    def resolve(builtins: dict[str, Any], **_: Any) -> None:
        builtins["SDK::Endpoint"] = other.endpoint_url

    on(env, "before-endpoint-resolution", resolve)
    assert try_all(env) == 0
    assert len(other.requests) == len(METHODS)
    assert unguarded(env.fake, other) == []
    assert env.fake.requests == []


def test_endpoint_changed_on_the_client_gets_no_unguarded_request(harness: Make, other: FakeBedrock) -> None:
    env = harness()
    env.client.meta._endpoint_url = other.endpoint_url
    env.client._ruleset_resolver = None

    try_all(env)

    assert unguarded(env.fake, other) == []


def test_http_redirect_is_not_followed(harness: Make, other: FakeBedrock) -> None:
    env = harness()
    env.fake.fail_next(307, "TemporaryRedirect", f"go to {other.endpoint_url}")

    with pytest.raises(env.client.exceptions.ClientError):
        env.client.converse(**ask("converse"))

    assert unguarded(env.fake, other) == []
    assert other.requests == []


def test_retry_to_another_host_is_refused(harness: Make, other: FakeBedrock) -> None:
    env = harness()
    env.fake.fail_next(503, "ServiceUnavailableException", "later")

    def turn(request_dict: dict[str, Any], attempts: int, **_: Any) -> float | None:
        request_dict["url"] = request_dict["url"].replace(env.fake.endpoint_url, other.endpoint_url)
        return 0.0 if attempts == 1 else None

    on(env, "needs-retry", turn)
    with pytest.raises(GuardrailTamperedError):
        env.client.converse(**ask("converse"))

    assert unguarded(env.fake, other) == []
    assert other.requests == []
