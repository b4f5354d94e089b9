"""The steps that guarded clients share, whether their calls return or are awaited."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NoReturn

from botocore.eventstream import EventStream
from botocore.exceptions import ParamValidationError
from botocore.validate import ParamValidator

from guardedbedrock.aws.client.binding import ClientBinding, chosen
from guardedbedrock.aws.client.stream import stream_member
from guardedbedrock.bedrock import GuardrailLocation
from guardedbedrock.core.observers import Observers
from guardedbedrock.core.records import AuthorizedCall, Call, Reply
from guardedbedrock.core.rules import Rules
from guardedbedrock.errors import AccessDeniedError, UnguardableOperationError, bind
from guardedbedrock.stages.authorize import authorize
from guardedbedrock.stages.inject import inject
from guardedbedrock.stages.reply import settle
from guardedbedrock.stages.send import STREAMS

MISTAKES: Final = (AttributeError, KeyError, TypeError)
"""What parameters of the wrong shape come to in the stages."""


def call_of(client: Any, name: str, params: Any) -> Call:
    """Write down what is called, with the guardrail that was chosen here and now."""
    watch: ClientBinding = client._guardedbedrock  # noqa: SLF001  # the mixin's own
    return Call(name, params, watch.region, chosen.get(), watch.service)


class ObservedCall(Observers):  # reads as what it does: with underway(listeners, call)
    """Observe a call while it is under way, and bind its errors to the client's exception classes."""

    __slots__ = ()

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        try:
            if error is not None:
                self.fail(error)
        finally:
            self.leave()

    def fail(self, error: BaseException) -> None:
        """Close with an error, and raise a denial as the client's own exception class too."""
        self.close(error)
        if isinstance(error, AccessDeniedError):
            raise bind(error, self._client.exceptions.AccessDeniedException) from error.__cause__


def authorized_call(client: Any, call: Call, observers: Observers) -> AuthorizedCall:
    """Take a call through the stages before the gate."""
    rules: Rules = client._guardedbedrock.rules  # noqa: SLF001
    try:
        return authorize(inject(call, rules, observers), rules, observers)
    except MISTAKES as error:
        refuse_mistaken(client, call, error)


def refuse_mistaken(client: Any, call: Call, error: Exception) -> NoReturn:
    """
    Leave it to botocore to refuse parameters in which the stages did not find their way, before anything is sent.

    Raises:
        ParamValidationError: What botocore says of them; the error itself where it says nothing.
    """
    shape = client.meta.service_model.operation_model(call.name).input_shape
    report = ParamValidator().validate(call.params, shape)
    if report.has_errors():
        raise ParamValidationError(report=report.generate_report()) from error
    raise error


def settled(
    reply: Reply,
    rules: Rules,
    observers: Observers,
    stream: Callable[[Any, Reply, Rules, Observers], EventStream],
) -> dict[str, Any]:
    """Settle the reply; a stream takes the observation with it."""
    response = reply.response
    member = stream_member(response) if reply.authorized.call.operation.reply in STREAMS else None
    if member:
        response[member] = stream(response[member], reply, rules, observers)
        return response
    settle(reply, rules, observers)
    observers.close(None)
    return response


def presigned_call(client: Any, method: str, params: dict[str, Any] | None) -> Call | None:
    """Write down the call that is to be presigned; None when that is none of the guard's business."""
    name = client._PY_TO_OP_NAME.get(method)  # noqa: SLF001  # botocore has no public name for it at this place
    off = client._guardedbedrock.rules.mode == "off"  # noqa: SLF001
    return None if off or name is None else call_of(client, name, params or {})


def presignable(client: Any, call: Call, observers: Observers) -> AuthorizedCall:
    """
    Authorize a call whose URL can bind the guardrail.

    Raises:
        UnguardableOperationError: The guardrail stands in the body, which a URL does not bind.
    """
    authorized = authorized_call(client, call, observers)
    operation = call.operation
    place: GuardrailLocation | None = operation.location
    enforced = client._guardedbedrock.rules.mode == "enforce"  # noqa: SLF001
    if enforced and operation.inference and not (place and place.is_in_presigned_url):
        raise UnguardableOperationError(
            message=f"a presigned URL of {operation.name} does not bind the body, so it would not bind the guardrail in it",
            operation_name=operation.name,
            hint="presign invoke_model, whose guardrail headers are signed, or make the call here",
        )
    return authorized
