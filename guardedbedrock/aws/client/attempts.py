"""
The attempts that botocore makes by itself, on clients whose retries are its own, heard as they happen.

That one failed is known when botocore asks whether to try again, and that it does try again when it makes the next request.
"""

from __future__ import annotations

from time import monotonic
from typing import Any, Final

from guardedbedrock.aws.client.call_context import Attempt, open_call
from guardedbedrock.core.events import Retried
from guardedbedrock.stages.retry.failure_classes import code_of

_HANDLER_ID: Final = "guardedbedrock-attempts"


def listen(client: Any) -> None:
    """Hear of every attempt of a client; a second time changes nothing."""
    service, events = client.meta.service_model.service_id.hyphenize(), client.meta.events
    for event, handler in (("needs-retry", _ended), ("request-created", _begins)):
        name, unique_id = f"{event}.{service}", f"{_HANDLER_ID}.{event}"
        events.unregister(name, unique_id=unique_id)
        events.register_first(name, handler, unique_id=unique_id)


def _ended(attempts: int, response: Any, caught_exception: BaseException | None, **_: Any) -> None:
    """Note how an attempt ended, whatever botocore makes of it."""
    passage = open_call()
    if passage is not None:
        said = response[1].get("Error", {}).get("Code", "") if response else code_of(caught_exception)
        passage.attempt = Attempt(attempts, str(said), monotonic())


def _begins(**_: Any) -> None:
    """Tell of the attempt before, if this is not the first."""
    passage = open_call()
    if passage is not None and passage.attempt is not None:
        number, code, ended = passage.attempt
        passage.observers.emit(Retried(number, code, monotonic() - ended, by="botocore"))
