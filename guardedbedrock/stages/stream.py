"""What passes through an event stream: events unchanged, interventions told, errors typed, the observation closed at its end."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import EventStreamError, HTTPClientError

from guardedbedrock.bedrock.interventions import IN_EVENT
from guardedbedrock.calls import Reply, Rules
from guardedbedrock.errors import StreamInterruptedError
from guardedbedrock.events import Observers
from guardedbedrock.stages.outcome import announce


def observed(  # noqa: PLR0913  # each of them is somebody's
    events: Iterable[dict[str, Any]],
    close: Callable[[], None],
    reply: Reply,
    rules: Rules,
    observers: Observers,
    *,
    broken: tuple[type[Exception], ...] = (),
) -> Iterator[dict[str, Any]]:
    """
    Pass events on; give the connection up when they end early.

    Args:
        events: What the connection brings.
        close: Gives the connection up.
        reply: What the events belong to.
        rules: For `on_intervention`.
        observers: Who is told; the observation closes at the end, whatever it is.
        broken: What the HTTP library in use raises when a connection breaks.

    Raises:
        StreamInterruptedError: The service broke the stream off with an error event, or the connection broke.
        GuardrailInterventionError: The guardrail stepped in and `on_intervention` is ``raise``.
    """
    tell = _teller(reply, rules, observers)
    with _until_the_end(close, reply, observers, broken):
        for event in events:
            tell(event)
            yield event


async def observed_async(  # noqa: PLR0913
    events: AsyncIterable[dict[str, Any]],
    close: Callable[[], None],
    reply: Reply,
    rules: Rules,
    observers: Observers,
    *,
    broken: tuple[type[Exception], ...] = (),
) -> AsyncIterator[dict[str, Any]]:
    """Pass events on as `observed` does, for whoever awaits them."""
    tell = _teller(reply, rules, observers)
    with _until_the_end(close, reply, observers, broken):
        async for event in events:
            tell(event)
            yield event


def _teller(reply: Reply, rules: Rules, observers: Observers) -> Callable[[dict[str, Any]], None]:
    operation = reply.authorized.call.operation
    read = IN_EVENT[operation.reply]

    def tell(event: dict[str, Any]) -> None:
        found = read(operation.name, event)
        if found is not None:
            announce(found, reply, rules, observers)

    return tell


@contextmanager
def _until_the_end(
    close: Callable[[], None], reply: Reply, observers: Observers, broken: tuple[type[Exception], ...]
) -> Iterator[None]:
    """Close the observation with whatever the events end with."""
    error: BaseException | None = None
    try:
        yield
    except (EventStreamError, HTTPClientError, *broken) as failure:
        error = interrupted(failure, reply.authorized.call.name)
        close()
        raise error from failure
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
