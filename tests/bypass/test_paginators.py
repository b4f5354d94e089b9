"""Paginators, which look up the method that they call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.client import BaseClient
from botocore.paginate import PaginatorModel
from harness.bypass import GUARDED, unguarded
from harness.clients import DENIED_MODEL, HR, MODEL, ask

from guardedbedrock import GuardrailTamperedError

if TYPE_CHECKING:
    from harness.clients import Make

PAGES = {
    "pagination": {
        "Converse": {"input_token": "requestMetadata", "output_token": "additionalModelResponseFields", "result_key": "x"}
    }
}


def pages(client: Any) -> Any:
    """Make a paginator of conversations."""
    client._cache["page_config"] = PAGES["pagination"]
    client._PY_TO_OP_NAME = {**client._PY_TO_OP_NAME}
    return client.get_paginator("converse")


def test_paginator_of_an_inference_operation_is_guarded(harness: Make) -> None:
    env = harness()

    list(pages(env.client).paginate(**ask("converse")))
    with pytest.raises(env.client.exceptions.AccessDeniedException):
        list(pages(env.client).paginate(**ask("converse", model=DENIED_MODEL)))

    assert env.arrived == [("Converse", MODEL, (HR.arn, HR.version))]
    assert unguarded(env.fake) == []


def test_paginator_of_the_private_method_is_refused(harness: Make) -> None:
    env = harness()
    paginator = pages(env.client)
    paginator._method = lambda **params: BaseClient._make_api_call(env.client, "Converse", params)

    for params in (ask("converse"), GUARDED):
        with pytest.raises(GuardrailTamperedError):
            list(paginator.paginate(**params))

    assert PaginatorModel(PAGES).get_paginator("Converse")
    assert unguarded(env.fake) == []
    assert env.fake.requests == []


def test_botocores_paginator_works(harness: Make) -> None:
    env = harness()

    assert len(list(env.client.get_paginator("list_async_invokes").paginate())) == 1
    assert [request.operation for request in env.fake.requests] == ["ListAsyncInvokes"]
    assert unguarded(env.fake) == []
