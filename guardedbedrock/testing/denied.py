"""Holds that an error is a denial, and whose."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

from botocore.exceptions import ClientError

from guardedbedrock.bedrock.errors.classify import classify
from guardedbedrock.errors import AccessDeniedError, ExplicitDenyError, ImplicitDenyError

Side: TypeAlias = Literal["here", "aws"]
"""Who said no: the guard in this process, or AWS, whose part the fake plays."""

_FIELDS: Final = ("policy_type", "action", "resource")


def assert_denied(  # noqa: PLR0913 - each is something to hold
    error: object,
    *,
    policy_type: str | None = None,
    action: str | None = None,
    resource: str | None = None,
    explicit: bool | None = None,
    where: Side | None = None,
) -> AccessDeniedError:
    """
    Hold that an error is a denial, and whose; give it back, typed.

    Args:
        error: What was caught, of a guarded or a plain client; what ``pytest.raises`` gives will do.
        policy_type: The type of policy that denied, such as "scp".
        action: The action that was denied.
        resource: The resource, or how its ARN ends, such as a model ID.
        explicit: Whether a Deny matched, or no Allow did.
        where: Whether this process said no, or AWS.

    Raises:
        AssertionError: It is no denial, or another; the message says what it is.
    """
    __tracebackhide__ = True
    caught = error if isinstance(error, BaseException) else getattr(error, "value", error)
    typed = _typed(caught)
    if typed is None:
        raise AssertionError(f"expected a denial, but this is {_what(caught)}")
    wanted = {"policy_type": policy_type, "action": action, "resource": resource, "explicit": explicit, "where": where}
    found = {name: getattr(typed, name) for name in _FIELDS} | {"explicit": _explicit(typed), "where": _where(typed)}
    wrong = [name for name, value in wanted.items() if value is not None and not _fits(name, value, found[name])]
    if wrong:
        told = "; ".join(f"expected {name} {wanted[name]!r}, got {found[name]!r}" for name in wrong)
        raise AssertionError(f"{told}, in {_what(caught)}")
    return typed


def _typed(error: object) -> AccessDeniedError | None:
    if isinstance(error, AccessDeniedError):
        return error
    return classify(error.response, error.operation_name) if isinstance(error, ClientError) else None


def _fits(name: str, wanted: object, found: object) -> bool:
    return str(found).endswith(str(wanted)) if name == "resource" else wanted == found


def _explicit(error: AccessDeniedError) -> bool | None:
    return True if isinstance(error, ExplicitDenyError) else False if isinstance(error, ImplicitDenyError) else None


def _where(error: AccessDeniedError) -> Side:
    return "here" if error.simulated else "aws"


def _what(error: object) -> str:
    return (
        f"{type(error).__name__}: {error}" if isinstance(error, BaseException) else f"no error at all but {type(error).__name__}"
    )
