"""Handlers of the event that creates the client class."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.client import BaseClient
from harness.bypass import try_all, unguarded

from guardedbedrock import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.clients import Make


class Other:
    """A mixin of another library."""

    def _make_api_call(self, operation_name: str, params: Any) -> Any:
        return super()._make_api_call(operation_name, params)  # type: ignore[misc]


def before(base_classes: list[type], **_: Any) -> None:
    """Add a mixin before the guard's."""
    base_classes.insert(0, Other)


def after(base_classes: list[type], **_: Any) -> None:
    """Add a base class after all others."""
    base_classes.append(type("Last", (), {}))


def without_the_mixin(base_classes: list[type], **_: Any) -> None:
    """Remove the guard's mixin from the bases."""
    base_classes[:] = [BaseClient]


def with_a_method(class_attributes: dict[str, Any], **_: Any) -> None:
    """Add a method to the class itself, which no mixin can override."""
    class_attributes["_make_api_call"] = BaseClient._make_api_call


EVENTS = ("creating-client-class", "creating-client-class.bedrock-runtime", "creating-client-class.*")


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("handler", [before, after, without_the_mixin, with_a_method])
@pytest.mark.parametrize("way", ["client", "session"])
def test_changed_client_class_sends_nothing_unguarded(
    monkeypatch: pytest.MonkeyPatch, harness: Make, handler: Callable[..., Any], event: str, way: str
) -> None:
    env = harness()
    session = boto3.Session()
    session.events.register_last(event, handler)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", session)
    maker = env.guard if way == "client" else env.guard.session(session)

    # Python 3.11 wraps an error that is raised while a class is created.
    with suppress(ConfigurationError, RuntimeError):
        client = maker.client("bedrock-runtime", **env.fake.client_kwargs())
        try_all(env._replace(client=client))
        client.close()

    assert unguarded(env.fake) == []


def test_mixin_of_another_library_is_kept(monkeypatch: pytest.MonkeyPatch, harness: Make) -> None:
    session = boto3.Session()
    session.events.register("creating-client-class.bedrock-runtime", before)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", session)
    env = harness()

    assert try_all(env) == 0
    assert Other in type(env.client).__mro__
    assert unguarded(env.fake) == []
