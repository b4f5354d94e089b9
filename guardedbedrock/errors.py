"""
Everything that guardedbedrock raises, as one tree.

    GuardedBedrockError
      ConfigurationError                what was configured can not be used
        PolicySyntaxError               a policy document can not be read
        SourceError                     a source of policies, guardrails or identity could not be read
      AccessDeniedError                 somebody said no; every denial is a `ClientError` too
        PolicyDeniedError               an IAM policy said no
          ExplicitDenyError             a Deny matched
          ImplicitDenyError             no Allow matched
        ModelAccessError                model, marketplace or account access: not IAM's doing
        RefusedError                    the guard itself said no; nothing was sent
          GuardrailNotApprovedError     the call names a guardrail that is not on the approved list
          UnguardableOperationError     the operation can not carry a guardrail
          PartlyGuardedError            the guardrail would look at a part of the prompt only, or too late
          GuardrailTamperedError        what was about to be signed is not what was authorized
          PreflightUnavailableError     the check before sending could not be made
      StreamInterruptedError            a stream broke off; botocore's `EventStreamError` too
      GuardrailInterventionError        a guardrail stepped in, and the caller asked for an error
      UnguardedReplyError               a reply shows that no guardrail ran, and the caller asked for an error

A boto3 client has exception classes of its own, one set per session. `bind` makes an error an instance of those as well, so that
``except client.exceptions.AccessDeniedException`` keeps working. Pickles and copies go back to the class in this module.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar, cast
from weakref import WeakValueDictionary

from botocore.exceptions import ClientError, EventStreamError

from guardedbedrock._root import ConfigurationError, GuardedBedrockError
from guardedbedrock.iam.errors import PolicySyntaxError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "AccessDeniedError",
    "ConfigurationError",
    "ExplicitDenyError",
    "GuardedBedrockError",
    "GuardrailInterventionError",
    "GuardrailNotApprovedError",
    "GuardrailTamperedError",
    "ImplicitDenyError",
    "ModelAccessError",
    "PartlyGuardedError",
    "PolicyDeniedError",
    "PolicySyntaxError",
    "PreflightUnavailableError",
    "RefusedError",
    "SourceError",
    "StreamInterruptedError",
    "UnguardableOperationError",
    "UnguardedReplyError",
    "bind",
    "fuse",
]

ErrorT = TypeVar("ErrorT", bound=GuardedBedrockError)


class SourceError(ConfigurationError):
    """A source of policies, guardrails or identity could not be read."""


class _Portable:
    """Errors that leave the process as the class in this module, with every field and note, whatever they were bound to."""

    response: dict[str, Any]

    @property
    def request_id(self) -> str:
        """AWS's id of the request, ``""`` when none was sent."""
        return str(self.response.get("ResponseMetadata", {}).get("RequestId", ""))

    @property
    def retry_attempts(self) -> int:
        """How many attempts came after the first."""
        return int(self.response.get("ResponseMetadata", {}).get("RetryAttempts", 0))

    def __reduce__(self) -> tuple[Any, ...]:
        cls = type(self)
        return _revive, (getattr(cls, _STATIC, cls), cast("BaseException", self).args, dict(self.__dict__))


class AccessDeniedError(_Portable, GuardedBedrockError, ClientError):  # type: ignore[misc] # botocore has no types
    """
    Somebody said no: AWS, or this process in its stead.

    Args:
        message: The sentence, as AWS sends or would send it.
        operation_name: Such as ``Converse``.
        principal: ARN of the caller, if the sentence names one.
        action: Such as ``bedrock:InvokeModel``.
        resource: ARN.
        policy_type: "identity", "boundary", "session", "scp", "rcp", "endpoint", "resource", or ``None`` when nobody says.
        policy_arn: ARN of the denying policy, which AWS names for some explicit denies.
        simulated: Whether this process said it; without a word on it, that is so when there is no response.
        authorizations: What the preflight asked and found, if it ran.
        hint: What to grant and where, one sentence; tracebacks show it as a note.
        response: AWS's parsed answer, kept as it is; without one a 403 ``AccessDeniedException`` is made up.
    """

    def __init__(  # noqa: PLR0913 - each is a field, and all are keywords
        self,
        *,
        message: str,
        operation_name: str,
        principal: str | None = None,
        action: str | None = None,
        resource: str | None = None,
        policy_type: str | None = None,
        policy_arn: str | None = None,
        simulated: bool | None = None,
        authorizations: tuple[Any, ...] = (),
        hint: str | None = None,
        response: dict[str, Any] | None = None,
    ) -> None:
        answer = _answer("AccessDeniedException", message, status=403) if response is None else response
        ClientError.__init__(self, answer, operation_name)
        self.message = message
        self.principal, self.action, self.resource = principal, action, resource
        self.policy_type, self.policy_arn = policy_type, policy_arn
        self.simulated = response is None if simulated is None else simulated
        self.authorizations = authorizations
        self.hint = hint
        if hint:
            self.add_note(hint)


class PolicyDeniedError(AccessDeniedError):
    """An IAM policy said no; on its own, AWS did not say which kind of policy."""


class ExplicitDenyError(PolicyDeniedError):
    """A Deny matched; no Allow can lift it."""


class ImplicitDenyError(PolicyDeniedError):
    """No Allow matched."""


class ModelAccessError(AccessDeniedError):
    """The account may not use this model: model access, marketplace or account standing, not IAM's doing."""


class RefusedError(AccessDeniedError):
    """The guard itself said no; nothing was sent."""


class GuardrailNotApprovedError(RefusedError):
    """The call names a guardrail that is not on the approved list."""


class UnguardableOperationError(RefusedError):
    """The operation can not carry a guardrail, and the configuration does not let it go without."""


class PartlyGuardedError(RefusedError):
    """The guardrail would look at a part of the prompt only, or too late, and the configuration does not allow that."""


class GuardrailTamperedError(RefusedError):
    """What was about to be signed is not what was authorized."""


class PreflightUnavailableError(RefusedError):
    """The check before sending could not be made, and the configuration does not let calls go without."""


class StreamInterruptedError(_Portable, GuardedBedrockError, EventStreamError):  # type: ignore[misc] # botocore has no types
    """
    A stream broke off before its end.

    Args:
        message: What happened.
        operation_name: Such as ``ConverseStream``.
        response: The parsed error event, kept as it is; ``None`` when the connection broke without one.
    """

    def __init__(self, *, message: str, operation_name: str, response: dict[str, Any] | None = None) -> None:
        answer = _answer("StreamInterrupted", message, status=200) if response is None else response
        EventStreamError.__init__(self, answer, operation_name)
        self.message = message


class GuardrailInterventionError(_Portable, GuardedBedrockError):
    """
    A guardrail stepped in, and the caller asked for an error.

    The message carries nothing of the conversation, since findings quote what they found.

    Args:
        operation_name: Such as ``Converse``.
        response: The reply as it came.
        intervention: What the guardrail found and did.
    """

    def __init__(self, *, operation_name: str, response: dict[str, Any], intervention: Any) -> None:
        super().__init__(f"a guardrail intervened when calling the {operation_name} operation")
        self.operation_name = operation_name
        self.response = response
        self.intervention = intervention


class UnguardedReplyError(_Portable, GuardedBedrockError):
    """
    A reply shows that no guardrail ran although one was sent, and the caller asked for an error.

    Args:
        operation_name: Such as ``InvokeModel``.
        response: The reply as it came.
        guardrail: The guardrail that was sent, identifier and version.
    """

    def __init__(self, *, operation_name: str, response: dict[str, Any], guardrail: tuple[str, str]) -> None:
        named = " version ".join(guardrail)
        super().__init__(f"the reply of the {operation_name} operation shows that guardrail {named} did not run")
        self.operation_name = operation_name
        self.response = response
        self.guardrail = guardrail


_STATIC: Final = "_guardedbedrock_static"
_FUSED: Final[WeakValueDictionary[tuple[type, type], type]] = WeakValueDictionary()


def fuse(static: type[ErrorT], modeled: type) -> type[ErrorT]:
    """
    Make the class that is one of ours and one of a live client's, or return it when it is there.

    Args:
        static: A class of this module, or one that was fused before.
        modeled: Such as ``client.exceptions.AccessDeniedException``; another class in every boto3 session.

    Cost: A dictionary lookup until the garbage collector takes an unused class away; they are held weakly, so that a dropped
        session takes its classes along.
    """
    if issubclass(static, modeled):
        return static
    fused = _FUSED.get((static, modeled))
    if fused is None:
        body = {"__module__": static.__module__, "__qualname__": static.__qualname__, "__doc__": static.__doc__}
        made = type(static.__name__, (static, modeled), {**body, _STATIC: getattr(static, _STATIC, static)})
        fused = _FUSED.setdefault((static, modeled), made)
    return cast("type[ErrorT]", fused)


def bind(error: ErrorT, *modeled: type) -> ErrorT:
    """
    Let an error be caught by the exception classes of a live client too; it stays the same object.

    Args:
        error: Any error of this module.
        modeled: Classes such as ``client.exceptions.AccessDeniedException``; those it is an instance of already change nothing.
    """
    for each in modeled:
        error.__class__ = fuse(type(error), each)
    return error


def _revive(cls: type[BaseException], args: tuple[Any, ...], fields: Mapping[str, Any]) -> BaseException:
    error = cls.__new__(cls, *args)
    error.__dict__.update(fields)
    if "__notes__" in fields:
        error.__notes__ = list(fields["__notes__"])
    return error


def _answer(code: str, message: str, *, status: int) -> dict[str, Any]:
    return {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"RequestId": "", "HTTPStatusCode": status, "HTTPHeaders": {}, "RetryAttempts": 0},
    }
