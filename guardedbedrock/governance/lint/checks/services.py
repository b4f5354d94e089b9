"""
Prefixes of actions around Bedrock, and the actions of ``bedrock-mantle``.

Source: Service Authorization Reference, the services whose prefixes begin with ``bedrock``.
"""

from __future__ import annotations

from typing import Final

ENDPOINTS: Final = (
    "bedrock-agent",
    "bedrock-agent-runtime",
    "bedrock-agentcore-control",
    "bedrock-data-automation",
    "bedrock-data-automation-runtime",
    "bedrock-runtime",
    "bedrockruntime",
)
"""Names of endpoints, which are not prefixes of actions."""
MANTLE: Final = "bedrock-mantle"
_MANTLE_ACTIONS: Final = """
    ArchiveProject AssociateCustomizedModel CallWithBearerToken CancelFineTuningJob CancelInference CountTokens
    CreateCustomizedModel CreateFile CreateFineTuningJob CreateInference CreateProject CreateReservation DeleteCustomizedModel
    DeleteFile DeleteInference DeleteReservation DisassociateCustomizedModel GetAccountDataRetention GetCustomizedModel GetFile
    GetFineTuningJob GetInference GetModel GetProject GetReservation ListCustomizedModelAssociations ListCustomizedModels
    ListFiles ListFineTuningJobs ListModels ListProjects ListReservations ListTagsForResource PutAccountDataRetention TagResource
    UntagResource UpdateProject UpdateReservation
"""
MANTLE_ACTIONS: Final = tuple(_MANTLE_ACTIONS.split())
