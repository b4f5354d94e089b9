"""What passes through an event stream: events unchanged, interventions told, errors typed, the observation closed at its end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from botocore.exceptions import EventStreamError, HTTPClientError

from guardedbedrock.bedrock.interventions import IN_EVENT
from guardedbedrock.calls import Reply, Rules
from guardedbedrock.errors import StreamInterruptedError
from guardedbedrock.events import Observers
from guardedbedrock.stages.outcome import announce


def observed(
    events: Iterable[dict[str, Any]], close: Callable[[], None], reply: Reply, rules: Rules, observers: Observers
) -> Iterator[dict[str, Any]]:
    """
    Pass events on; give the connection back with `close` when they end early.

    Raises:
        StreamInterruptedError: The service broke the stream off with an error event, or the connection broke.
        GuardrailInterventionError: The guardrail stepped in and `on_intervention` is ``raise``.
    """
    operation = reply.authorized.call.operation
    read = IN_EVENT[operation.reply]
    error: BaseException | None = None
    try:
        for event in events:
            found = read(operation.name, event)
            if found is not None:
                announce(found, reply, rules, observers)
            yield event
    except (EventStreamError, HTTPClientError) as broken:
        error = interrupted(broken, operation.name)
        close()
        raise error from broken
    except BaseException as other:
        error = None if isinstance(other, GeneratorExit) else other
        close()
        raise
    finally:
        observers.close(error)


def interrupted(broken: Exception, operation_name: str) -> StreamInterruptedError:
    """Type the error of a broken stream; an error event keeps its code and message."""
    response = getattr(broken, "response", None)
    message = response["Error"].get("Message", "") if response else "the connection broke in the middle of the stream"
    return StreamInterruptedError(message=message, operation_name=operation_name, response=response)
