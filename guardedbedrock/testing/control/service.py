"""The fake ``bedrock``: which operation does what."""

from __future__ import annotations

from hashlib import sha256
from itertools import count
from threading import Lock
from typing import TYPE_CHECKING

from guardedbedrock.testing.control.enforced import Enforcement
from guardedbedrock.testing.control.guardrails import Guardrails
from guardedbedrock.testing.control.policies import ResourcePolicies
from guardedbedrock.testing.control.profiles import Profiles
from guardedbedrock.testing.control.tags import Tags
from guardedbedrock.testing.wire import Output, Params, Rules, ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from guardedbedrock.testing.enforcement import FakeEnforcement
    from guardedbedrock.testing.guardrails import Shelf
    from guardedbedrock.testing.profiles import FakeInferenceProfile


class Control:
    """
    Performs operations of ``bedrock``, one at a time.

    Args:
        shelf: The guardrails that exist, for the runtime too.
        profiles: The inference profiles that exist.
        principal: Who all callers are.
        patterns: Shape name to the pattern that stands in for the model's own.
    """

    service = "bedrock"

    def __init__(
        self, shelf: Shelf, profiles: Iterable[FakeInferenceProfile], principal: str, patterns: Mapping[str, str]
    ) -> None:
        self.rules = Rules(patterns)
        self._lock, self._numbers = Lock(), count(1)
        self._done: dict[tuple[str, str], Params] = {}
        tags = Tags(shelf.tags, shelf.region)
        self._guardrails = Guardrails(shelf, tags, self._new_id)
        self._enforcement = Enforcement(self._guardrails, principal, self._new_id)
        self._policies = ResourcePolicies(self._guardrails)
        self._profiles = Profiles(profiles, (shelf.region, shelf.account), tags, self._new_id)
        self._operations: Mapping[str, Callable[[Params], Params]] = {
            "CreateGuardrail": self._guardrails.create,
            "CreateGuardrailVersion": self._guardrails.create_version,
            "CreateInferenceProfile": self._profiles.create,
            "DeleteEnforcedGuardrailConfiguration": self._enforcement.delete,
            "DeleteGuardrail": self._delete_guardrail,
            "DeleteInferenceProfile": self._profiles.delete,
            "DeleteResourcePolicy": self._policies.delete,
            "GetGuardrail": self._guardrails.get,
            "GetInferenceProfile": self._profiles.get,
            "GetResourcePolicy": self._policies.get,
            "ListEnforcedGuardrailsConfiguration": self._enforcement.list,
            "ListGuardrails": self._guardrails.list,
            "ListInferenceProfiles": self._profiles.list,
            "ListTagsForResource": tags.list,
            "PutEnforcedGuardrailConfiguration": self._enforcement.put,
            "PutResourcePolicy": self._policies.put,
            "TagResource": tags.tag,
            "UntagResource": tags.untag,
            "UpdateGuardrail": self._guardrails.update,
        }

    @property
    def resolved_models(self) -> Mapping[str, tuple[str, ...]]:
        """ARN of each inference profile to the models that it resolves to; it changes as clients make and delete profiles."""
        return self._profiles.resolved_models

    @property
    def enforced(self) -> tuple[FakeEnforcement, ...]:
        """The guardrails that the account puts on every model call, at the moment."""
        return self._enforcement.guardrails

    def guardrail(self, _: Params) -> None:
        """Say that no guardrail watches over requests to the control plane."""

    def perform(self, operation: str, params: Params) -> Output:
        """
        Do what an operation does.

        Raises:
            ServiceError: What the operation answers instead; ``UnknownOperationException`` (404) for one that is not served.
        """
        if operation not in self._operations:
            raise ServiceError.unserved(operation)
        with self._lock:
            return Output(self._once(operation, params))

    def _once(self, operation: str, params: Params) -> Params:
        """Do nothing a second time for the same ``clientRequestToken``."""
        token = params.get("clientRequestToken")
        if token is None:
            return self._operations[operation](params)
        if (operation, token) not in self._done:
            self._done[operation, token] = self._operations[operation](params)
        return self._done[operation, token]

    def _delete_guardrail(self, params: Params) -> Params:
        arn, version = self._guardrails.arn(params), params.get("guardrailVersion")
        self._enforcement.check_free(arn, version)
        if version is None:
            self._policies.drop(arn)
        return self._guardrails.delete(params)

    def _new_id(self) -> str:
        """Make twelve letters and digits, the same in every run."""
        return sha256(f"{next(self._numbers)}".encode()).hexdigest()[:12]
