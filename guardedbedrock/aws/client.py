"""
The mixin that makes a client class a guarded one.

It stands first in the bases of the class that botocore generates, so the client stays a `BaseClient` with its name,
paginators, waiters and exceptions, and whatever calls ``_make_api_call`` goes through the stages.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

from botocore.exceptions import ParamValidationError
from botocore.validate import ParamValidator

from guardedbedrock.aws import gate
from guardedbedrock.aws.bearer import bearer_of
from guardedbedrock.aws.identity import CallerIdentity
from guardedbedrock.aws.stream import GuardedEventStream, read_body, stream_member
from guardedbedrock.bedrock import SERVICES, Place
from guardedbedrock.calls import AuthorizedCall, Call, Reply, Rules
from guardedbedrock.errors import AccessDeniedError, ConfigurationError, UnguardableOperationError, bind
from guardedbedrock.events import Listener, Observers
from guardedbedrock.stages.inject import inject
from guardedbedrock.stages.outcome import settle
from guardedbedrock.stages.preflight import authorize
from guardedbedrock.stages.retry import RetryPolicy
from guardedbedrock.stages.send import send
from guardedbedrock.stages.stream import observed

ResultT = TypeVar("ResultT")

chosen: Final[ContextVar[str | None]] = ContextVar("guardedbedrock_chosen_guardrail", default=None)
"""Name of the guardrail that `Guard.using` chose in this context."""


@dataclass(frozen=True, slots=True)
class Watch:
    """What a guarded client goes by: rules, retries, listeners, and whether STS is asked who its credentials are."""

    rules: Rules
    retry: RetryPolicy
    listeners: tuple[Listener, ...]
    asks_sts: bool = False


class GuardedClient:
    """Comes first in the bases of a generated client class of a Bedrock service."""

    _guardedbedrock: Watch
    meta: Any
    exceptions: Any

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        presign = cls.__dict__.get("generate_presigned_url")
        if presign is not None:
            # botocore writes this method into the class itself, where no base can come before it.
            cls.generate_presigned_url = _guarded_presign(presign)  # type: ignore[attr-defined]

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        rules, region = self._guardedbedrock.rules, self.meta.region_name
        answers = self.meta.service_model.service_name == SERVICES[0]
        if answers and rules.mode == "enforce" and not rules.in_region(region):
            listed = ", ".join(sorted({guardrail.region for guardrail in rules.approved})) or "none"
            raise ConfigurationError(
                f"no guardrail is approved for {region}, and guardrails are regional: approve one of {region}, "
                f"or make the client in a region that has one ({listed})"
            )
        rules = replace(rules, bearer=bearer_of(self), secure=self.meta.endpoint_url.startswith("https:"))
        if self._guardedbedrock.asks_sts:
            rules = replace(rules, principal=_asked(self, rules))
        self._guardedbedrock = replace(self._guardedbedrock, rules=rules)
        gate.Gate(rules, self)

    def _make_api_call(self, operation_name: str, api_params: dict[str, Any]) -> Any:
        transport = super()._make_api_call  # type: ignore[misc]  # a base of the generated class
        if self._guardedbedrock.rules.mode == "off":
            return transport(operation_name, api_params)

        def finish(authorized: AuthorizedCall, observers: Observers) -> dict[str, Any]:
            watch = self._guardedbedrock
            return _finish(send(authorized, transport, watch.retry, observers), watch.rules, observers)

        return _guarded(self, operation_name, api_params, finish)


def _asked(client: Any, rules: Rules) -> CallerIdentity:
    if rules.bearer and rules.policies is not None and rules.mode != "off":
        raise ConfigurationError(
            'principal = "caller": the client signs with a Bedrock API key, and STS can not be asked who that belongs to; '
            'name the ARN of the key\'s user or role, or sign with credentials (Config(signature_version="v4"))'
        )
    return CallerIdentity(client)


def _guarded(client: Any, name: str, params: Any, finish: Callable[[AuthorizedCall, Observers], ResultT]) -> ResultT:
    """Take a call through the stages before the gate, open the gate, and bind its errors to the client's exception classes."""
    watch: Watch = client._guardedbedrock  # noqa: SLF001  # the mixin's own
    call = Call(name, params, client.meta.region_name, chosen.get(), client.meta.service_model.service_name)
    observers = Observers(watch.listeners, call)
    try:
        with observers:
            authorized = _authorized(client, call, watch.rules, observers)
            with gate.passing(authorized, observers):
                return finish(authorized, observers)
    except AccessDeniedError as error:
        observers.close(error)
        raise bind(error, client.exceptions.AccessDeniedException) from error.__cause__
    except BaseException as error:
        observers.close(error)
        raise


def _authorized(client: Any, call: Call, rules: Rules, observers: Observers) -> AuthorizedCall:
    try:
        return authorize(inject(call, rules, observers), rules, observers)
    except (AttributeError, KeyError, TypeError) as error:
        # Parameters are botocore's to refuse, and it does so before it sends anything.
        shape = client.meta.service_model.operation_model(call.name).input_shape
        report = ParamValidator().validate(call.params, shape)
        if report.has_errors():
            raise ParamValidationError(report=report.generate_report()) from error
        raise


def _finish(reply: Reply, rules: Rules, observers: Observers) -> dict[str, Any]:
    """Settle the reply; a stream takes the observation with it."""
    response = reply.response
    operation = reply.authorized.call.operation
    member = stream_member(response) if operation.streams else None
    if member:
        inner = response[member]
        response[member] = GuardedEventStream(inner, observed(inner, inner.close, reply, rules, observers), observers)
        return response
    settle(reply, rules, observers, read_body(response) if operation.reply == "invoke" and "body" in response else None)
    observers.close(None)
    return response


def _guarded_presign(presign: Callable[..., str]) -> Callable[..., str]:
    """Let a presigned URL pass the same first stages, where the URL can bind the guardrail."""

    @functools.wraps(presign)
    def generate_presigned_url(
        self: Any,
        ClientMethod: str,  # noqa: N803  # the names are boto3's
        Params: dict[str, Any] | None = None,  # noqa: N803
        ExpiresIn: int = 3600,  # noqa: N803
        HttpMethod: str | None = None,  # noqa: N803
    ) -> str:
        name = self._PY_TO_OP_NAME.get(ClientMethod)
        rules = self._guardedbedrock.rules
        if rules.mode == "off" or name is None:
            return presign(self, ClientMethod, Params, ExpiresIn, HttpMethod)

        def finish(authorized: AuthorizedCall, observers: Observers) -> str:
            _check_presignable(authorized, rules)
            url = presign(self, ClientMethod, {**authorized.guarded.params}, ExpiresIn, HttpMethod)
            observers.close(None)
            return url

        return _guarded(self, name, Params or {}, finish)

    return generate_presigned_url


def _check_presignable(authorized: AuthorizedCall, rules: Rules) -> None:
    operation = authorized.call.operation
    place: Place | None = operation.place
    if rules.mode == "enforce" and operation.inference and not (place and place.signed):
        raise UnguardableOperationError(
            message=f"a presigned URL of {operation.name} does not bind the body, so it would not bind the guardrail in it",
            operation_name=operation.name,
            hint="presign invoke_model, whose guardrail headers are signed, or make the call here",
        )
