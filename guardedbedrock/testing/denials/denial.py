"""A denial of AWS: its response, and policies with which the guard denies in the same way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from guardedbedrock import iam
from guardedbedrock.errors import ConfigurationError
from guardedbedrock.iam.decision import sentences
from guardedbedrock.testing.wire import ServiceError

if TYPE_CHECKING:
    from guardedbedrock.iam.language.documents import PolicyType

DENIED: Final = "AccessDeniedException"
PLACEHOLDERS: Final = {"principal": "{principal}", "action": "{action}", "resource": "{resource}"}
"""The placeholders of a message."""

_VERSION: Final = "2012-10-17"


@dataclass(frozen=True, slots=True)
class Denial:
    """
    One kind of denial.

    Args:
        name: For example ``scp-explicit``.
        why: The meaning, in one sentence.
        message: AWS's message with the placeholders ``{principal}``, ``{action}`` and ``{resource}``.
        code: Error code.
        status: HTTP status.
        by_iam: True if IAM responds, False if the service responds.
        policy_type: Type of the denying policy; None if no policy denies or the message names none.
        explicit: True for an explicit deny, False for an implicit deny, None if the message names no policy.
        policy_arn: ARN of the denying policy, if AWS's message contains it.
    """

    name: str
    why: str
    message: str
    code: str = DENIED
    status: int = 403
    by_iam: bool = False
    policy_type: PolicyType | None = None
    explicit: bool | None = None
    policy_arn: str | None = None

    def error(self, principal: str, action: str, resource: str) -> ServiceError:
        """Return the error response for a principal, an action and a resource."""
        message = self.message.format(principal=principal, action=action, resource=resource)
        return ServiceError(self.status, self.code, message, by_iam=self.by_iam)

    @property
    def regular(self) -> bool:
        """Whether policies of the caller can produce this message word for word."""
        if self.policy_type is None or self.explicit is None:
            return False
        message = sentences.write(
            **PLACEHOLDERS, policy_type=self.policy_type, explicit=self.explicit, policy_arn=self.policy_arn
        )
        return self.denies_by_policy and message == self.message

    @property
    def denies_by_policy(self) -> bool:
        """Whether policies of the caller can deny in this way, possibly with another message."""
        return self.policy_type is not None and (self.policy_type != "resource" or bool(self.explicit))

    def policies(self, *actions: str, resource: str = "*") -> iam.PolicySet:
        """
        Return policies that deny some actions in this way and allow everything else.

        They are a complete policy set. They produce the regular message, even if the message of this denial is irregular. For a
        guard, a denial by a resource control policy is certain only with ``rcp_applies``.

        Args:
            actions: The denied actions, by default ``bedrock:InvokeModel*``. ``*`` and ``?`` are wildcards.
            resource: ``*``, an ARN, or an ID such as a model ID. Wildcards are allowed.

        Raises:
            ConfigurationError: No policy of the caller can deny in this way. Use `FakeBedrock.deny`.
        """
        if not self.denies_by_policy:
            raise ConfigurationError(f"{self.name}: no policy of the caller can deny in this way; use FakeBedrock.deny")
        on = resource if resource == "*" or resource.startswith("arn:") else f"arn:aws:bedrock:*:*:*/{resource}"
        denied = list(actions) or ["bedrock:InvokeModel*"]
        open_: dict[str, Any] = {"identity": [_document(_ALLOW_ALL)]}
        deciding = (
            [_ALLOW_ALL, {"Effect": "Deny", "Action": denied, "Resource": on}] if self.explicit else list(_all_but(denied, on))
        )
        return iam.PolicySet(**{**open_, self.policy_type or "": self._attached(deciding)})

    def _attached(self, statements: list[Mapping[str, Any]]) -> list[Any]:
        kind = self.policy_type or "identity"
        if kind in {"resource", "rcp", "endpoint"}:
            statements = [{**statement, "Principal": "*"} for statement in statements]
        if kind in {"resource", "rcp"}:
            statements = statements[-1:]
        document = iam.parse(_document(*statements), kind, arn=self.policy_arn)
        return [[document]] if kind in {"scp", "rcp"} else [document]


_ALLOW_ALL: Final[Mapping[str, Any]] = {"Effect": "Allow", "Action": "*", "Resource": "*"}


def _all_but(actions: list[str], resource: str) -> Iterator[Mapping[str, Any]]:
    yield {"Effect": "Allow", "NotAction": actions, "Resource": "*"}
    if resource != "*":
        yield {"Effect": "Allow", "Action": actions, "NotResource": resource}


def _document(*statements: Mapping[str, Any]) -> dict[str, Any]:
    return {"Version": _VERSION, "Statement": [dict(statement) for statement in statements]}
