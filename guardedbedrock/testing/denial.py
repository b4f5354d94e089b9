"""One way to be denied: the words on the wire, and policies that say the same at home."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from guardedbedrock import iam
from guardedbedrock.errors import ConfigurationError
from guardedbedrock.iam.engine import sentences
from guardedbedrock.testing.wire import ServiceError

if TYPE_CHECKING:
    from guardedbedrock.iam.language.documents import PolicyType

DENIED: Final = "AccessDeniedException"
BLANKS: Final = {"principal": "{principal}", "action": "{action}", "resource": "{resource}"}
"""What a message leaves to be filled in."""

_VERSION: Final = "2012-10-17"


@dataclass(frozen=True, slots=True)
class Denial:
    """
    One way to be denied.

    Args:
        name: Such as ``scp-explicit``.
        why: What it means, in one sentence.
        message: What AWS writes, with ``{principal}``, ``{action}`` and ``{resource}`` in it where AWS names them.
        code: Error code; `AccessDeniedException` unless the way is an odd one.
        status: HTTP status.
        by_iam: Whether IAM says it, or the service.
        policy_type: The kind of policy that denies; None when none does, or none is named.
        explicit: Whether a Deny matches; None when no policy is named.
        policy_arn: ARN of the denying policy, where AWS names it.
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
        """Make what the server answers to a principal who asked for an action on a resource."""
        message = self.message.format(principal=principal, action=action, resource=resource)
        return ServiceError(self.status, self.code, message, by_iam=self.by_iam)

    @property
    def regular(self) -> bool:
        """Whether policies of the caller deny in this way, word for word."""
        if self.policy_type is None or self.explicit is None:
            return False
        told = sentences.write(**BLANKS, policy_type=self.policy_type, explicit=self.explicit, policy_arn=self.policy_arn)
        return self.denies_by_policy and told == self.message

    @property
    def denies_by_policy(self) -> bool:
        """Whether policies of the caller deny in this way, in whatever words."""
        return self.policy_type is not None and (self.policy_type != "resource" or bool(self.explicit))

    def policies(self, *actions: str, resource: str = "*") -> iam.PolicySet:
        """
        Make policies that allow everything but some actions, which they deny in just this way.

        They stand for all that is in force; what AWS words in an odd way, they say in the regular one. A guard takes a resource
        control policy for a sure denial only with ``rcp_applies``.

        Args:
            actions: What is denied, ``bedrock:InvokeModel*`` unless given; ``*`` and ``?`` are wildcards.
            resource: On what: ``*``, an ARN, or an ID such as that of a model, with wildcards too.

        Raises:
            ConfigurationError: No policy of the caller can deny in this way: it comes from the server only.
        """
        if not self.denies_by_policy:
            raise ConfigurationError(f"{self.name}: no policy of the caller denies in this way; use FakeBedrock.deny")
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
