"""
The mixin that makes a generated client class a guarded one.

It is the first base of the class that botocore generates. The client stays a `BaseClient` with its name, paginators, waiters and
exceptions, and every way to make a call ends in the ``_make_api_call`` below.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from guardedbedrock.aws.botocore_contract import check_client
from guardedbedrock.aws.client.attempts import report_retries
from guardedbedrock.aws.client.binding import ClientBinding
from guardedbedrock.aws.client.call_steps import (
    ObservedCall,
    authorized_call,
    call_of,
    presignable,
    presigned_call,
    settled,
    with_buffered_body,
)
from guardedbedrock.aws.client.services import service_of_client
from guardedbedrock.aws.client.stream import guarded_stream, read_body
from guardedbedrock.aws.gate.call_context import CallContext
from guardedbedrock.aws.gate.gate import Gate
from guardedbedrock.aws.gate.hooks import put_in_front
from guardedbedrock.aws.signer.bearer import bearer_of
from guardedbedrock.aws.sources.attached_guardrails import AttachedGuardrails
from guardedbedrock.aws.sources.identity import CallerIdentity
from guardedbedrock.bedrock import RUNTIME_SERVICE
from guardedbedrock.bedrock.caller import Bearer
from guardedbedrock.core.last_resort import log_warning
from guardedbedrock.core.records import Call
from guardedbedrock.core.rules import Attached
from guardedbedrock.errors import ConfigurationError
from guardedbedrock.stages.inject import approve_one
from guardedbedrock.stages.retry.policy import ONE_ATTEMPT
from guardedbedrock.stages.send import send

OFF_WARNING: Final = (
    'guardedbedrock is off for a new %s client (mode = "off"): guardrails are not injected and policies are not checked; '
    'remove the setting, or set mode = "report" to observe'
)
"""
Logged once for each client, on stderr if logging is not configured: a setting in the environment must not disable the guard
unnoticed.
"""


class Guarded:
    """The part of the mixin that sync and async clients share."""

    _guardedbedrock: ClientBinding
    _guardedbedrock_gate: Gate | None = None
    _presigns_guarded = False
    meta: Any
    exceptions: Any

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        presign = cls.__dict__.get("generate_presigned_url")
        if presign is not None:
            # botocore writes this method into the generated class itself, so no base can override it.
            cls.generate_presigned_url = _guarded_presign(presign)  # type: ignore[attr-defined]
            cls._presigns_guarded = True

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._start_guarding()

    def _start_guarding(self) -> None:
        """
        Bind the client to its region, its service and its gate.

        Raises:
            ConfigurationError: The client cannot be guarded.
        """
        check_client(self, Guarded)
        binding, service = self._guardedbedrock, service_of_client(self) or ""
        region = str.__str__(self.meta.region_name)  # a member of a string enum is formatted as its name
        self._check_region(binding, region, service)
        rules = replace(binding.rules, secure=self.meta.endpoint_url.startswith("https:"))
        retry = binding.retry.for_a_client()
        if retry is ONE_ATTEMPT:
            report_retries(self)
        self._guardedbedrock = replace(binding, rules=rules, region=region, service=service, retry=retry)
        if rules.mode == "off":
            log_warning(OFF_WARNING % service)

    def _check_region(self, binding: ClientBinding, region: str, service: str) -> None:
        """
        Check that a guardrail is approved for the Region. This reads the source, if there is one.

        Raises:
            ConfigurationError: The mode is ``enforce``, and no guardrail of the Region is approved.
        """
        check_region(binding, region, service)

    def _put_gate(self, put_in_front: Callable[[Any, Gate], None]) -> None:
        """Put the gate into the client, once; a client that is wrapped again only gets other rules."""
        rules = self._guardedbedrock.rules
        if self._guardedbedrock_gate is None:
            gate = Gate(rules, self)
            put_in_front(self, gate)
            self._guardedbedrock_gate = gate
        self._guardedbedrock_gate.rules = rules

    def _set_caller(self, bearer: Bearer, identity: Callable[[Any], Callable[[], str]], attached: Attached) -> None:
        """Set who calls: the owner of a Bedrock API key, or of the client's credentials."""
        rules = replace(self._guardedbedrock.rules, bearer=bearer, attached=attached)
        if self._guardedbedrock.asks_sts:
            if bearer and rules.needs_principal and rules.mode != "off":
                raise ConfigurationError(
                    'principal = "caller": the client signs with a Bedrock API key, and STS cannot tell who owns it; set the ARN '
                    'of the key\'s user or role, or sign with credentials (Config(signature_version="v4"))'
                )
            rules = replace(rules, principal=identity(self))
        self._guardedbedrock = replace(self._guardedbedrock, rules=rules)

    def _forget_caller(self, identity: CallerIdentity) -> None:
        """Replace the caller after its credentials changed; STS is asked when the policies next need it."""
        binding = self._guardedbedrock
        # Other rules have other caches, so no result of the former principal is left.
        self._guardedbedrock = replace(binding, rules=replace(binding.rules, principal=identity))

    def _presign(self, call: Call, presign: Callable[[dict[str, Any]], Any]) -> Any:
        """Let a presigned URL pass the same stages as a call."""
        raise NotImplementedError


class GuardedClient(Guarded):
    """The first base of a client class that boto3 generates for a Bedrock service."""

    def _start_guarding(self) -> None:
        super()._start_guarding()
        self._set_caller(bearer_of(self), CallerIdentity, AttachedGuardrails(self))
        self._put_gate(put_in_front)

    def _make_api_call(self, operation_name: str, api_params: dict[str, Any]) -> Any:
        make_api_call = super()._make_api_call  # type: ignore[misc]  # a base of the generated class
        binding = self._guardedbedrock
        if not binding.guards(api_params):
            return make_api_call(operation_name, api_params)
        call = call_of(binding, operation_name, api_params)
        if "body" in call.params:
            call = with_buffered_body(call)
        with ObservedCall(self, call) as observers:
            if binding.asks_sts:
                self._follow_rotated_credentials()
            authorized = authorized_call(self, call, observers)
            with CallContext(authorized, observers, self._guardedbedrock_gate) as context:
                reply = send(authorized, make_api_call, read_body, binding.retry, observers, context)
                return settled(reply, binding.rules, observers, guarded_stream)

    def _follow_rotated_credentials(self) -> None:
        principal = self._guardedbedrock.rules.principal
        if isinstance(principal, CallerIdentity) and principal.is_outdated():
            self._forget_caller(CallerIdentity(self))

    def _convert_to_request_dict(
        self, api_params: Any, operation_model: Any, endpoint_url: Any, *args: Any, **options: Any
    ) -> dict[str, Any]:
        convert = super()._convert_to_request_dict  # type: ignore[misc]
        request: dict[str, Any] = convert(api_params, operation_model, endpoint_url, *args, **options)
        if self._guardedbedrock_gate is not None:
            self._guardedbedrock_gate.check_serialization(operation_model.name, api_params, endpoint_url, request)
        return request

    def _presign(self, call: Call, presign: Callable[[dict[str, Any]], str]) -> str:
        with ObservedCall(self, call) as observers:
            if self._guardedbedrock.asks_sts:
                self._follow_rotated_credentials()
            authorized = presignable(self, call, observers)
            with CallContext(authorized, observers, self._guardedbedrock_gate):
                url = presign({**authorized.guarded.params})
            observers.close(None)
            return url


def _guarded_presign(presign: Callable[..., Any]) -> Callable[..., Any]:
    """Guard the method ``generate_presigned_url`` of a generated class; aiobotocore's returns an awaitable."""

    @functools.wraps(presign)
    def generate_presigned_url(
        self: Guarded,
        ClientMethod: str,  # noqa: N803  # the names are boto3's
        Params: dict[str, Any] | None = None,  # noqa: N803
        ExpiresIn: int = 3600,  # noqa: N803
        HttpMethod: str | None = None,  # noqa: N803
    ) -> Any:
        call = presigned_call(self, ClientMethod, Params)
        if call is None:
            return presign(self, ClientMethod, Params, ExpiresIn, HttpMethod)
        return self._presign(call, lambda params: presign(self, ClientMethod, params, ExpiresIn, HttpMethod))

    return generate_presigned_url


def check_region(binding: ClientBinding, region: str, service: str) -> None:
    """
    Raise if no guardrail is approved for the client's Region.

    Guardrails are regional: a client in a Region without an approved one could not send a guarded call.

    Raises:
        ConfigurationError: The mode is ``enforce``, and no guardrail of the Region is approved.
    """
    rules = binding.rules
    if service != RUNTIME_SERVICE or rules.mode == "off":
        return
    from_source = None if rules.source is None else rules.source.approved(region)
    if from_source is None and rules.source is not None and not rules.approved:
        return  # the source is unavailable: each call is refused until it can be read
    found = rules.approved if from_source is None else from_source
    if rules.mode == "enforce" and all(guardrail.region != region for guardrail in found):
        approved = ", ".join(sorted({guardrail.region for guardrail in found})) or "none"
        raise ConfigurationError(
            f"no guardrail is approved for {region}; {approve_one(region)} (Regions with approved guardrails: {approved})"
        )
