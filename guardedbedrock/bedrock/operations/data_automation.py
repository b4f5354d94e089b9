"""
The operations of ``bedrock-data-automation-runtime``. Data automation calls models that AWS chooses, without a guardrail.

Source: Service Authorization Reference, "Actions, resources, and condition keys for Amazon Bedrock"; Bedrock API Reference,
"Runtime for Amazon Bedrock Data Automation".
"""

from __future__ import annotations

from typing import Final

from guardedbedrock.bedrock.operations.row import Operation, RequiredAction

_SERVICE: Final = "bedrock-data-automation-runtime"
_EFFECTS: Final = "data automation calls models inside AWS, without a guardrail"
_PROFILE: Final = ("dataAutomationProfileArn",)
_PROJECT: Final = ("dataAutomationConfiguration.dataAutomationProjectArn",)
_BLUEPRINTS: Final = ("blueprints[].blueprintArn",)


def _invoking(name: str) -> tuple[RequiredAction, ...]:
    return (
        RequiredAction(name, "data-automation-profile", _PROFILE),
        RequiredAction(name, "data-automation-project", _PROJECT, when="if-named"),
        RequiredAction(name, "blueprint", _BLUEPRINTS, when="if-named"),
    )


DATA_AUTOMATION: Final = (
    Operation(
        "GetDataAutomationStatus",
        _SERVICE,
        (RequiredAction("GetDataAutomationStatus", "data-automation-invocation-job", ("invocationArn",)),),
    ),
    Operation(
        "InvokeDataAutomation",
        _SERVICE,
        _invoking("InvokeDataAutomation"),
        indirect_effects=_EFFECTS,
        indirect="unverifiable",
    ),
    Operation(
        "InvokeDataAutomationAsync",
        _SERVICE,
        _invoking("InvokeDataAutomationAsync"),
        tags=(("tags", "data-automation-invocation-job"),),
        indirect_effects=_EFFECTS,
        indirect="unverifiable",
    ),
    *(
        Operation(name, _SERVICE, (RequiredAction(name, "arn", ("resourceARN",)),))
        for name in ("ListTagsForResource", "TagResource", "UntagResource")
    ),
)
