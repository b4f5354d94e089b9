"""
Retries that botocore makes by itself, reported as they happen.

botocore emits ``needs-retry`` after each attempt, and creates a new request if it does retry.
"""

from __future__ import annotations

from time import monotonic
from typing import Any, Final

from guardedbedrock.aws.gate.call_context import Attempt, open_call
from guardedbedrock.core.events import Retried
from guardedbedrock.stages.retry.failure_classes import code_of

_HANDLER_ID: Final = "guardedbedrock-attempts"


def report_retries(client: Any) -> None:
    """Report botocore's retries of a client to the observers of its calls. A second call changes nothing."""
    service, events = client.meta.service_model.service_id.hyphenize(), client.meta.events
    for event, handler in (("needs-retry", _on_attempt_ended), ("request-created", _on_request_created)):
        name, unique_id = f"{event}.{service}", f"{_HANDLER_ID}.{event}"
        events.unregister(name, unique_id=unique_id)
        events.register_first(name, handler, unique_id=unique_id)


def _on_attempt_ended(attempts: int, response: Any, caught_exception: BaseException | None, **_: Any) -> None:
    call = open_call()
    if call is not None:
        code = response[1].get("Error", {}).get("Code", "") if response else code_of(caught_exception)
        call.attempt = Attempt(attempts, str(code), monotonic())


def _on_request_created(**_: Any) -> None:
    call = open_call()
    if call is not None and call.attempt is not None:
        failed = call.attempt
        call.observers.emit(Retried(failed.number, failed.code, monotonic() - failed.ended, by="botocore"))
