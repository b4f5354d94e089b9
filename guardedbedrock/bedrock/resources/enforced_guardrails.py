"""
Which models an enforced guardrail is enforced on.

AWS does not document whether it enforces a guardrail on models that take no guardrail, such as embeddings, unless the
configuration excludes them.
Source: Bedrock API Reference, "ModelEnforcement"; Bedrock User Guide, "Apply cross-account safeguards with Amazon Bedrock
Guardrails enforcements".
"""

from __future__ import annotations

from typing import Final

from guardedbedrock.bedrock.guardrail.guardrail import EnforcedGuardrail, Guardrail
from guardedbedrock.bedrock.resources.inventory import Inventory, ResolvedModels, models_of
from guardedbedrock.bedrock.resources.models import base_model_id
from guardedbedrock.bedrock.resources.unsupported_models import unsupported_kind
from guardedbedrock.iam.matching.context import Truth

_ALL_MODELS: Final = "ALL"


def is_enforced(guardrail: Guardrail, model: str | None, inventory: Inventory) -> Truth:
    """
    Return whether a guardrail is enforced on a call to a model; None if that is unknown.

    Args:
        guardrail: An enforced guardrail in the region of the call.
        model: The identifier in the call; None if the call names none.
        inventory: What is known of the models that it resolves to.
    """
    takes_none = unsupported_kind(model, (), inventory.resolved_models) is not None
    if not isinstance(guardrail, EnforcedGuardrail) or not guardrail.included_models:
        return None if takes_none else True
    answers = {_is_listed(guardrail, base) for base in _base_models(model, inventory.resolved_models)}
    if len(answers) != 1:
        is_every_model = _ALL_MODELS in guardrail.included_models and not guardrail.excluded_models
        return True if is_every_model and not takes_none else None
    return None if True in answers and takes_none else answers.pop()


def _is_listed(guardrail: EnforcedGuardrail, model: str) -> Truth:
    """
    Return whether the lists cover a model; a model in both lists is excluded.

    AWS does not document whether they cover the variants of a model, such as the one with the suffix ``:200k``.
    """
    included, excluded = guardrail.included_models, guardrail.excluded_models
    if any(model.startswith(f"{one}:") for one in (*included, *excluded)):
        return None
    return model not in excluded and (_ALL_MODELS in included or model in included)


def _base_models(model: str | None, resolved_models: ResolvedModels) -> set[str]:
    """Return the IDs of the foundation models that may answer a call; an empty set if one of them is unknown."""
    if model is None:
        return set()
    bases = {base_model_id(one) for one in models_of(model, resolved_models) or (model,)}
    known = {one for one in bases if one is not None}
    return known if len(known) == len(bases) else set()
