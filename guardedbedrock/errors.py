"""
Every error that guardedbedrock raises, as one tree.

    GuardedBedrockError                 the base class of all errors
      ConfigurationError                the configuration is invalid
        PolicySyntaxError               a policy document cannot be parsed
        SourceError                     a source of policies, guardrails or identity cannot be read
      AccessDeniedError                 access was denied; every denial is a botocore `ClientError`, too
        PolicyDeniedError               an IAM policy denied the call
          ExplicitDenyError             a Deny statement matched
          ImplicitDenyError             no Allow statement matched
        ModelAccessError                the account may not use the model: not a matter of IAM policies
        RefusedError                    the guard refused the call; nothing was sent
          GuardrailNotApprovedError     the call names a guardrail that is not approved
          UnguardableOperationError     the operation cannot carry a guardrail
          PartlyGuardedError            the guardrail would check only a part of the prompt, or too late
          GuardrailTamperedError        the request differs from what was authorized
          PreflightUnavailableError     the preflight could not be run, or gave no sure answer
      StreamInterruptedError            a stream broke; a botocore `EventStreamError`, too
      GuardrailInterventionError        a guardrail intervened, and ``on_intervention = "raise"``
      UnguardedReplyError               a reply shows that no guardrail ran, and ``on_unguarded_reply = "raise"``

An application catches what it can act on, the most specific class first:

    import guardedbedrock

    try:
        client.converse(modelId=model, messages=messages)
    except guardedbedrock.ExplicitDenyError as error:
        print("not allowed:", error.action, "on", error.resource)
    except guardedbedrock.AccessDeniedError as error:
        print(error)
        print("fix:", error.hint)

Code that was written for boto3 keeps working: ``except client.exceptions.AccessDeniedException`` and ``except ClientError``
catch a denial of AWS and one of this process alike. The exception classes of a boto3 client differ from session to session;
`bind` makes an error an instance of those classes. Pickles and copies are instances of the class in this module.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar, cast
from weakref import WeakValueDictionary

from botocore.exceptions import ClientError, EventStreamError

from guardedbedrock._root import ConfigurationError, GuardedBedrockError
from guardedbedrock.iam.errors import PolicySyntaxError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from guardedbedrock.authorization import Authorization

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
    """A source of policies, guardrails or identity cannot be read."""


class _Portable:
    """Pickle and copy an error as the class in this module, with every field and note, even if it was bound to other classes."""

    response: dict[str, Any]

    @property
    def request_id(self) -> str:
        """The ID that AWS gave the request; ``""`` if none was sent."""
        return str(self.response.get("ResponseMetadata", {}).get("RequestId", ""))

    @property
    def retry_attempts(self) -> int:
        """Number of attempts after the first one."""
        return int(self.response.get("ResponseMetadata", {}).get("RetryAttempts", 0))

    def __reduce__(self) -> tuple[Any, ...]:
        cls = type(self)
        return _revive, (getattr(cls, _STATIC, cls), cast("BaseException", self).args, dict(self.__dict__))


class AccessDeniedError(_Portable, GuardedBedrockError, ClientError):  # type: ignore[misc] # botocore has no types
    """
    Access was denied, by AWS or by this process before anything was sent.

    Args:
        message: The message, as AWS sends it or would send it.
        operation_name: Name of the operation, such as ``Converse``.
        principal: ARN of the caller; None if the message does not name it.
        action: IAM action, such as ``bedrock:InvokeModel``.
        resource: ARN of the resource.
        policy_type: ``identity``, ``boundary``, ``session``, ``scp``, ``rcp``, ``endpoint`` or ``resource``; None if AWS does not
            say.
        policy_arn: ARN of the denying policy, which AWS names for some explicit denies.
        simulated: Whether this process denied the call and nothing was sent. By default, True if there is no response.
        authorizations: The authorizations that the preflight evaluated, with their decisions; ``()`` if it did not run.
        hint: How to fix it, in one sentence. Tracebacks show it as a note.
        response: The parsed response of AWS, kept unchanged. Without one, the error has that of a 403 ``AccessDeniedException``.
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
        authorizations: tuple[Authorization, ...] = (),
        hint: str | None = None,
        response: dict[str, Any] | None = None,
    ) -> None:
        answer = _answer("AccessDeniedException", message, status=403) if response is None else response
        ClientError.__init__(self, answer, operation_name)
        self.message = message
        self.principal, self.action, self.resource = principal, action, resource
        self.policy_type, self.policy_arn = policy_type, policy_arn
        self.simulated = response is None if simulated is None else simulated
        self.authorizations: tuple[Authorization, ...] = authorizations
        self.hint = hint
        if hint:
            self.add_note(hint)


class PolicyDeniedError(AccessDeniedError):
    """An IAM policy denied the call. If the class is exactly this one, AWS did not say whether the denial was explicit."""


class ExplicitDenyError(PolicyDeniedError):
    """A Deny statement matched. No Allow statement overrides it."""


class ImplicitDenyError(PolicyDeniedError):
    """No Allow statement matched."""


class ModelAccessError(AccessDeniedError):
    """The account may not use the model: model access, a marketplace subscription or the state of the account."""


class RefusedError(AccessDeniedError):
    """The guard refused the call, and nothing was sent."""


class GuardrailNotApprovedError(RefusedError):
    """The call names a guardrail or version that is not approved, or none is approved for its Region."""


class UnguardableOperationError(RefusedError):
    """The call cannot carry a guardrail, and neither ``allow_unguarded`` nor ``on_indirect`` lets it pass."""


class PartlyGuardedError(RefusedError):
    """The guardrail would check only a part of the prompt, or too late, and ``on_partial = "refuse"``."""


class GuardrailTamperedError(RefusedError):
    """The request that was about to be signed or sent differs from what was authorized."""


class PreflightUnavailableError(RefusedError):
    """The preflight could not be run, or gave no sure answer and ``on_indeterminate = "refuse"``."""


class StreamInterruptedError(_Portable, GuardedBedrockError, EventStreamError):  # type: ignore[misc] # botocore has no types
    """
    A stream broke before its end.

    Args:
        message: What happened.
        operation_name: Name of the operation, such as ``ConverseStream``.
        response: The parsed error event, kept unchanged; None if the connection broke without one.
    """

    def __init__(self, *, message: str, operation_name: str, response: dict[str, Any] | None = None) -> None:
        answer = _answer("StreamInterrupted", message, status=200) if response is None else response
        EventStreamError.__init__(self, answer, operation_name)
        self.message = message


class GuardrailInterventionError(_Portable, GuardedBedrockError):
    """
    A guardrail intervened, and ``on_intervention = "raise"``.

    The message contains no text of the conversation; the reply, in `response`, can contain it.

    Args:
        operation_name: Name of the operation, such as ``Converse``.
        response: The unchanged reply.
        intervention: What the guardrail found and did; an `Intervention`.
    """

    def __init__(self, *, operation_name: str, response: dict[str, Any], intervention: Any) -> None:
        super().__init__(f"a guardrail intervened when calling the {operation_name} operation")
        self.operation_name = operation_name
        self.response = response
        self.intervention = intervention


class UnguardedReplyError(_Portable, GuardedBedrockError):
    """
    A reply shows that no guardrail ran although one was sent, and ``on_unguarded_reply = "raise"``.

    Args:
        operation_name: Name of the operation, such as ``InvokeModel``.
        response: The unchanged reply.
        guardrail: Identifier and version of the guardrail that was sent.
    """

    def __init__(self, *, operation_name: str, response: dict[str, Any], guardrail: tuple[str, str]) -> None:
        named = " version ".join(guardrail)
        super().__init__(f"the reply of the {operation_name} operation shows that guardrail {named} did not run")
        self.operation_name = operation_name
        self.response = response
        self.guardrail = guardrail


_STATIC: Final = "_guardedbedrock_static"
# Cache, keyed by our class and the client's: each client class needs one class of each error.
_FUSED: Final[WeakValueDictionary[tuple[type, type], type]] = WeakValueDictionary()


def fuse(static: type[ErrorT], modeled: type) -> type[ErrorT]:
    """
    Make or find the class that derives from one of our classes and from an exception class of a client.

    Args:
        static: A class of this module, or a fused one.
        modeled: Such as ``client.exceptions.AccessDeniedException``, which is another class in every boto3 session.

    Cost: One dictionary lookup. The classes are cached by both bases and held weakly: a session that is garbage collected frees
        its classes.
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
    Make an error an instance of exception classes of a client, too. It stays the same object.

    Args:
        error: Any error of this module.
        modeled: Classes such as ``client.exceptions.AccessDeniedException``. A class that it is an instance of changes nothing.
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


for _name in __all__:
    if isinstance(globals()[_name], type):
        globals()[_name].__module__ = "guardedbedrock"  # tracebacks show the name to import; see `_root`
