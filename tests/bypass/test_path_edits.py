"""Paths: another model or operation, plain, percent-encoded, or with dot segments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest
from harness.bypass import METHODS, on, try_all, unguarded
from harness.clients import DENIED_MODEL, MODEL, ask

from guardedbedrock import GuardrailTamperedError

if TYPE_CHECKING:
    from harness.clients import Make

TAIL: Final = "converse"
PATHS: Final = {
    "another model": f"/model/{DENIED_MODEL}/{TAIL}",
    "in percent signs": f"/model/%61nthropic.claude-3-opus-20240229-v1%3A0/{TAIL}",
    "twice in percent signs": f"/model/{MODEL.replace('a', '%2561')}/{TAIL}",
    "around a corner": f"/model/{DENIED_MODEL}/{TAIL}/../../{MODEL}/{TAIL}",
    "around an encoded corner": f"/model/{DENIED_MODEL}%2F..%2F{MODEL}/{TAIL}",
    "around a half encoded corner": f"/model/{DENIED_MODEL}/{TAIL}/%2e%2e/%2e%2e/{MODEL}/{TAIL}",
    "behind another": f"/model/{DENIED_MODEL}/{TAIL}/model/{MODEL}/{TAIL}",
    "behind a parameter": f"/model/{DENIED_MODEL}/{TAIL};/model/{MODEL}/{TAIL}",
    "behind a question mark": f"/model/{DENIED_MODEL}/{TAIL}?/model/{MODEL}/{TAIL}",
    "behind a fragment": f"/model/{DENIED_MODEL}/{TAIL}#/model/{MODEL}/{TAIL}",
    "before a backslash": f"/model/{DENIED_MODEL}/{TAIL}\\..\\..\\model/{MODEL}/{TAIL}",
    "within the path of a gateway": f"/gateway/model/{MODEL}/{TAIL}",
    "more than there is": f"/model/{MODEL}/{TAIL}/more",
    "another operation": f"/model/{MODEL}/invoke",
    "a job": "/async-invoke",
    "chat completions": "/openai/v1/chat/completions",
}


@pytest.mark.parametrize("event", ["request-created", "before-sign", "before-send"])
@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
def test_changed_path_is_refused(harness: Make, path: str, event: str) -> None:
    env = harness()
    on(env, event, lambda request, **_: setattr(request, "url", env.fake.endpoint_url + path))

    with pytest.raises(GuardrailTamperedError):
        env.client.converse(**ask("converse"))

    assert unguarded(env.fake) == []
    assert env.fake.requests == []


def test_added_query_is_sent(harness: Make) -> None:
    env = harness()
    on(env, "before-sign", lambda request, **_: setattr(request, "url", f"{request.url}?trace=1"))

    assert try_all(env) == 0
    assert len(env.fake.requests) == len(METHODS)
    assert unguarded(env.fake) == []


def test_endpoint_path_is_part_of_the_endpoint(harness: Make) -> None:
    env = harness()
    arrived: list[Any] = []

    def send(request: Any) -> Any:
        arrived.append(request.url)
        raise ConnectionError

    below = env.guard.client("bedrock-runtime", **{**env.fake.client_kwargs(), "endpoint_url": f"{env.fake.endpoint_url}/gw"})
    below._endpoint._send = send
    with pytest.raises(ConnectionError):
        below.converse(**ask("converse"))
    below.meta.events.register("before-sign", lambda request, **_: setattr(request, "url", request.url.replace("/gw", "/other")))
    with pytest.raises(GuardrailTamperedError):
        below.converse(**ask("converse"))

    assert arrived == [f"{env.fake.endpoint_url}/gw/model/{MODEL.replace(':', '%3A')}/converse"]
    assert unguarded(env.fake) == []
