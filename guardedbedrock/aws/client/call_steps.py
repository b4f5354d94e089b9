"""The steps that sync and async clients share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from inspect import isawaitable
from typing import Any, NoReturn

from botocore.eventstream import EventStream
from botocore.exceptions import ParamValidationError
from botocore.validate import ParamValidator

from guardedbedrock.aws.chosen_guardrail import chosen
from guardedbedrock.aws.client.binding import ClientBinding
from guardedbedrock.aws.client.stream import stream_member
from guardedbedrock.aws.refusals import unbound_url
from guardedbedrock.bedrock.indirect_inference import IndirectTarget, find_indirect
from guardedbedrock.core.events import CallRefused
from guardedbedrock.core.observers import Observers
from guardedbedrock.core.records import AuthorizedCall, Call, Reply, plain_parameters
from guardedbedrock.core.rules import Rules
from guardedbedrock.errors import AccessDeniedError, PartlyGuardedError, bind
from guardedbedrock.stages.authorize import authorize
from guardedbedrock.stages.inject import inject
from guardedbedrock.stages.reply import settle


def call_of(binding: ClientBinding, name: str, params: dict[str, Any]) -> Call:
    """Return the record of a call, with the guardrail that is chosen in the current context."""
    return Call.of(name, plain_parameters(params), binding.region, chosen.get(), binding.service)


def with_buffered_body(call: Call) -> Call:
    """
    Read a body that cannot seek, such as a pipe or an S3 ``StreamingBody``, so that it can be checked, signed, sent and retried.

    boto3 sends such a body if the request is not signed with SigV4.
    """
    body: Any = call.params.get("body")
    if not hasattr(body, "read") or _can_seek(body):
        return call
    chunks: list[bytes] = []
    while chunk := body.read():
        chunks.append(_bytes(chunk))
    return replace(call, params={**call.params, "body": b"".join(chunks)})


async def with_buffered_body_async(call: Call) -> Call:
    """Read a body that cannot seek, as `with_buffered_body` does; the ``read`` of aiobotocore's bodies is awaited."""
    body: Any = call.params.get("body")
    if not hasattr(body, "read") or _can_seek(body):
        return call
    chunks: list[bytes] = []
    while chunk := body.read():
        data = await chunk if isawaitable(chunk) else chunk
        if not data:
            break
        chunks.append(_bytes(data))
    return replace(call, params={**call.params, "body": b"".join(chunks)})


def _can_seek(body: Any) -> bool:
    try:
        body.seek(body.tell())
    except (AttributeError, OSError, ValueError):
        return False
    return True


def _bytes(chunk: bytes | str) -> bytes:
    return chunk.encode() if isinstance(chunk, str) else chunk


class ObservedCall(Observers):
    """
    The observations of a call of a client.

    An error that leaves the ``with`` block closes them. A denial is raised as the client's own exception class too.

    Args:
        client: The client.
        call: The call.
    """

    def __init__(self, client: Any, call: Call) -> None:
        super().__init__(client._guardedbedrock.listeners, call)  # noqa: SLF001
        self._client = client

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if error is not None:
            self.close(error)
        self.leave()
        if isinstance(error, AccessDeniedError):
            # A service model of a data path may lack the class; then this is ClientError.
            raise bind(error, self._client.exceptions.from_code("AccessDeniedException")) from error.__cause__


def indirect_targets(call: Call) -> tuple[IndirectTarget, ...]:
    """List what calls models for a call; none if the parameters have the wrong shape, which a later step reports."""
    try:
        return find_indirect(call.operation, call.params)
    except (AttributeError, KeyError, TypeError):
        return ()


def authorized_call(client: Any, call: Call, observers: Observers) -> AuthorizedCall:
    """Run the stages that precede sending."""
    rules: Rules = client._guardedbedrock.rules.current()  # noqa: SLF001
    try:
        return authorize(inject(call, rules, observers), rules, observers)
    except (AttributeError, KeyError, TypeError, PartlyGuardedError) as error:
        # A body that botocore rejects cannot be read, so it would be refused as partly guarded.
        _raise_validation_error(client, call, error)


def _raise_validation_error(client: Any, call: Call, error: Exception) -> NoReturn:
    """
    Raise botocore's own error for parameters of the wrong shape, which the stages cannot read.

    Raises:
        ParamValidationError: botocore rejects the parameters too; otherwise the original error.
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
) -> Any:
    """Check the guardrail trace of a reply and close its observation; a stream does both when it ends."""
    response = reply.response
    member = stream_member(response) if reply.authorized.guarded.call.operation.streams else None
    if member:
        return {**response, member: stream(response[member], reply, rules, observers)}
    response = settle(reply, rules, observers)
    observers.close(None)
    return response


def presigned_call(client: Any, method: str, params: dict[str, Any] | None) -> Call | None:
    """Return the record of the call that a presigned URL makes; None if the guard does not check it."""
    name = client._PY_TO_OP_NAME.get(method)  # noqa: SLF001  # botocore has no public name for it here
    binding: ClientBinding = client._guardedbedrock  # noqa: SLF001  # the mixin's own
    params = params or {}
    return None if name is None or not binding.guards(params) else call_of(binding, name, params)


def presignable(client: Any, call: Call, observers: Observers) -> AuthorizedCall:
    """
    Authorize a call whose presigned URL binds the guardrail and the model.

    Raises:
        UnguardableOperationError: The mode is ``enforce``, and the URL does not bind the body with the guardrail or the model.
    """
    authorized = authorized_call(client, call, observers)
    operation = call.operation
    is_bound = operation.location is not None and operation.location.is_in_presigned_url
    if operation.needs_guardrail and not is_bound:
        error = unbound_url(operation.name, "model" if authorized.guarded.guardrail is None else "guardrail")
        enforced = client._guardedbedrock.rules.mode == "enforce"  # noqa: SLF001
        observers.emit(CallRefused(error, enforced=enforced))
        if enforced:
            raise error
    return authorized
