"""Where models answer, held against botocore's models."""

from __future__ import annotations

import re
from typing import Final

import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel

from guardedbedrock.bedrock import SERVICES, find
from guardedbedrock.bedrock.inference_paths import inference_at

ADDRESSES: Final = [
    (service, name, model.operation_model(name).http["method"], model.operation_model(name).http["requestUri"])
    for service in SERVICES
    for model in [ServiceModel(Loader().load_service_model(service, "service-2"), service)]
    for name in model.operation_names
]


@pytest.mark.parametrize("before", ["", "/gateway/bedrock"])
def test_every_operation_of_a_model_is_found_at_its_path_and_no_other_is(before: str) -> None:
    """By method and path alone, whatever an endpoint has before."""
    found = {
        (service, name): inference_at(method, f"https://h{before}{re.sub('{[^}]+}', 'x%2Fy', uri)}")
        for service, name, method, uri in ADDRESSES
    }
    expected = {(service, name): name if find(service, name).inference else None for service, name, _, _ in ADDRESSES}

    assert found == expected


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("POST", "/async-invoke", "StartAsyncInvoke"),
        ("post", "/async-invoke", "StartAsyncInvoke"),
        ("GET", "/async-invoke", None),
        ("GET", "/model/m/converse", "Converse"),
        ("POST", "/model/m%2Fconverse", None),
        ("POST", "/model/m/converse?x=/y", "Converse"),
        ("POST", "", None),
    ],
)
def test_odd_ones(method: str, path: str, expected: str | None) -> None:
    """A method that is none for it still leads there."""
    assert inference_at(method, f"https://h{path}") == expected
