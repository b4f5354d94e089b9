"""The request that is sent: the request of the application, unchanged or with its guardrail."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from botocore.compat import HTTPHeaders

from guardedbedrock.aws.gate.request_reader import GateRequest
from guardedbedrock.aws.http.credentials import is_signed
from guardedbedrock.bedrock.guardrail.location import (
    IDENTIFIER_HEADER,
    VERSION_HEADER,
    GuardrailLocation,
    GuardrailRef,
    Wire,
    json_body,
)
from guardedbedrock.bedrock.parameters import Params

Headers: TypeAlias = list[tuple[str, str]]

_GUARDRAIL_HEADERS: Final = (IDENTIFIER_HEADER.lower(), VERSION_HEADER.lower())


@dataclass(frozen=True, slots=True)
class OutgoingRequest:
    """
    The request that is sent.

    Args:
        url: The URL, which is that of the application's request.
        headers: The headers, without those that frame the body.
        body: The body.
    """

    url: str
    headers: Headers
    body: bytes

    @classmethod
    def unchanged(cls, request: GateRequest) -> OutgoingRequest:
        """Return a request as the application made it."""
        # A signed header must not change; otherwise the response is requested in an encoding that can be read here.
        is_fixed = is_signed(request)
        framing = ["content-length", "transfer-encoding"] + ([] if is_fixed else ["accept-encoding"])
        headers = [(str(name), str(value)) for name, value in request.headers.items() if name.lower() not in framing]
        if not is_fixed:
            headers.append(("Accept-Encoding", "identity"))
        return cls(request.url, headers, request.body)

    def with_guardrail(self, location: GuardrailLocation, params: Params, ref: GuardrailRef) -> OutgoingRequest:
        """
        Return this request with a guardrail; unchanged if its body cannot be written again.

        Args:
            location: Where the operation carries its guardrail.
            params: The parameters with the guardrail.
            ref: The guardrail, for the headers.
        """
        if location.carrier == "body":
            body = {**json_body(self.wire), **{member: params[member] for member in location.members}}
            try:
                return replace(self, body=json.dumps(body, allow_nan=False).encode())
            except ValueError:  # a number that JSON cannot write, such as 1E400; the caller refuses what has no guardrail
                return self
        others = [(name, value) for name, value in self.headers if name.lower() not in _GUARDRAIL_HEADERS]
        return replace(self, headers=[*others, (IDENTIFIER_HEADER, str(ref[0])), (VERSION_HEADER, str(ref[1]))])

    @property
    def wire(self) -> Wire:
        """The request as a guardrail location reads it."""
        headers = HTTPHeaders()
        for name, value in self.headers:
            headers[name] = value
        return Wire(self.url, headers, self.body)
