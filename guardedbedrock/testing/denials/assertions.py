"""Assertions about denials."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

from botocore.exceptions import ClientError

from guardedbedrock.bedrock.errors.classify import classify
from guardedbedrock.errors import AccessDeniedError, ExplicitDenyError, ImplicitDenyError

DenialOrigin: TypeAlias = Literal["here", "aws"]
"""``here``: the guard in this process denied the call. ``aws``: the server (AWS or the fake) denied it."""

_FIELDS: Final = ("policy_type", "action", "resource")


def assert_denied(  # noqa: PLR0913 - one parameter for each property
    error: object,
    *,
    policy_type: str | None = None,
    action: str | None = None,
    resource: str | None = None,
    explicit: bool | None = None,
    where: DenialOrigin | None = None,
) -> AccessDeniedError:
    """
    Assert that an error is a denial, and check its properties.

        with pytest.raises(ClientError) as caught:
            answer(client, "...")
        assert_denied(caught, policy_type="scp", explicit=True)

    Args:
        error: The error of a guarded or a plain client, or the result of ``pytest.raises``.
        policy_type: Type of the denying policy, such as "scp".
        action: The denied action.
        resource: The ARN of the resource, or its end, such as a model ID.
        explicit: True for an explicit deny, False for an implicit deny.
        where: ``here`` for the guard in this process, ``aws`` for the server.

    Returns:
        The error, as an `AccessDeniedError`.

    Raises:
        AssertionError: The error is not a denial, or a property differs. The message describes the error.
    """
    __tracebackhide__ = True
    caught = error if isinstance(error, BaseException) else getattr(error, "value", error)
    typed = _typed(caught)
    if typed is None:
        raise AssertionError(f"expected a denial, got {_described(caught)}")
    wanted = {"policy_type": policy_type, "action": action, "resource": resource, "explicit": explicit, "where": where}
    found = {name: getattr(typed, name) for name in _FIELDS} | {"explicit": _explicit(typed), "where": _where(typed)}
    wrong = [name for name, value in wanted.items() if value is not None and not _fits(name, value, found[name])]
    if wrong:
        differences = "; ".join(f"expected {name} {wanted[name]!r}, got {found[name]!r}" for name in wrong)
        raise AssertionError(f"{differences}, in {_described(caught)}")
    return typed


def _typed(error: object) -> AccessDeniedError | None:
    if isinstance(error, AccessDeniedError):
        return error
    return classify(error.response, error.operation_name) if isinstance(error, ClientError) else None


def _fits(name: str, wanted: object, found: object) -> bool:
    return str(found).endswith(str(wanted)) if name == "resource" else wanted == found


def _explicit(error: AccessDeniedError) -> bool | None:
    return True if isinstance(error, ExplicitDenyError) else False if isinstance(error, ImplicitDenyError) else None


def _where(error: AccessDeniedError) -> DenialOrigin:
    return "here" if error.simulated else "aws"


def _described(error: object) -> str:
    name = type(error).__name__
    return f"{name}: {error}" if isinstance(error, BaseException) else f"no error but an object of type {name}"
