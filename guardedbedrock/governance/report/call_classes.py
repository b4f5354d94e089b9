"""Divide the model calls of the access report into classes of calls with equal decisions."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from guardedbedrock.bedrock.resources.enforced_guardrails import is_enforced
from guardedbedrock.bedrock.resources.models import Resource, resources
from guardedbedrock.governance.report.name_comparison import NameComparison, texts_of
from guardedbedrock.governance.report.placeholders import base_of
from guardedbedrock.governance.report.scope import ReportedModel, Scope, Situation
from guardedbedrock.iam import PolicySet


class CallClasses:
    """
    The model calls of a report: which models exist in which situation, and which names policies compare.

    One instance serves all groups of principals.

    Args:
        scope: What the report is about.

    Attributes:
        situations: The situations of the scope.
    """

    def __init__(self, scope: Scope) -> None:
        self.situations = scope.situations
        self._scope = scope
        self._guardrails = NameComparison([_guardrail_names(one, scope) for one in self.situations])
        self._models = {}
        for region in scope.regions if scope.groups else ():
            caller = scope.groups[0].caller(region)
            found = [resources(model.id, caller, scope.inventory) for model in scope.models]
            shapes = [
                (_shape(model, listed), _enforced_on(model, region, scope))
                for model, listed in zip(scope.models, found, strict=True)
            ]
            self._models[region] = shapes, NameComparison([[one.arn for one in listed] for listed in found])

    def classes(self, policies: PolicySet) -> tuple[list[Hashable], dict[str, list[Hashable]]]:
        """
        Return the classes of calls that policies can tell apart.

        Returns:
            A key for each situation, and for each Region a key for each model. Calls with equal keys have equal decisions.
        """
        texts = texts_of(policies)
        reads_tags = any(key.startswith("aws:resourcetag/") for key in policies.reads)
        situations: list[Hashable] = [
            (
                one.region,
                one.kind == "none",
                signature,
                _tags_of(one, self._scope) if reads_tags else (),
                _effects_of(one, self._scope),
            )
            for one, signature in zip(self.situations, self._guardrails.signatures(texts), strict=True)
        ]
        models: dict[str, list[Hashable]] = {
            region: list(zip(shapes, comparison.signatures(texts), strict=True))
            for region, (shapes, comparison) in self._models.items()
        }
        return situations, models


def _guardrail_names(situation: Situation, scope: Scope) -> tuple[str, ...]:
    if situation.guardrail is None:
        return ()
    return situation.guardrail.arn, situation.guardrail.key, scope.inventory.profiles.get(situation.guardrail.arn, "")


def _tags_of(situation: Situation, scope: Scope) -> Hashable:
    tags = scope.inventory.tags.get(situation.guardrail.arn) if situation.guardrail else None
    return None if tags is None else tuple(sorted(tags.items()))


def _effects_of(situation: Situation, scope: Scope) -> Hashable:
    """Return the properties of the guardrail that change which authorizations a call needs."""
    arn = situation.guardrail.arn if situation.guardrail else ""
    account = arn.split(":")[4] if arn else ""
    return scope.inventory.profiles.get(arn), any(one.arn == arn for one in scope.inventory.enforced), account


def _enforced_on(model: ReportedModel, region: str, scope: Scope) -> Hashable:
    """Return whether each enforced guardrail of a Region is enforced on a model."""
    return tuple(is_enforced(one, model.id, scope.inventory) for one in scope.inventory.enforced if one.region == region)


def _shape(model: ReportedModel, found: Sequence[Resource]) -> Hashable:
    """Return everything of the authorizations of a model except the names in its ARNs."""
    base = base_of(model)

    def unnamed(text: str) -> str:
        text = text.replace(model.id, "{model}")
        return text.replace(base, "{base model}") if base else text

    facts = (
        (
            unnamed(one.arn),
            unnamed(one.one_of),
            one.action,
            one.undocumented,
            one.unknown,
            unnamed(repr(sorted(one.context.items()))),
        )
        for one in found
    )
    return model.regions, bool(base), tuple(facts)
