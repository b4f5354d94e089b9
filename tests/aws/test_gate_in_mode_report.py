"""What the gate does where it only reports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws.rig import Recorder, ask

from guardedbedrock import GuardrailTamperedError
from guardedbedrock.events import Refused

if TYPE_CHECKING:
    from aws.rig import Make


def test_a_request_that_was_tampered_with_is_reported_once_and_goes_on(house: Make) -> None:
    """Nobody is stopped, and the listener hears what would have been refused."""
    recorder = Recorder()
    made = house(mode="report", listeners=[recorder])

    def strip(params: dict[str, Any], **_: Any) -> None:
        params.pop("guardrailConfig")

    made.client.meta.events.register("before-parameter-build", strip)
    made.client.converse(**ask("converse"))

    (heard,) = recorder.last.of(Refused)
    assert isinstance(heard.error, GuardrailTamperedError)
    assert not heard.enforced
    assert [request.guardrail for request in made.fake.requests] == [None]


def test_metadata_say_nothing_of_botocores_single_attempt(house: Make) -> None:
    """The reply is what a plain client gets."""
    reply = house().client.converse(**ask("converse"))

    assert "MaxAttemptsReached" not in reply["ResponseMetadata"]
