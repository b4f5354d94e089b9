"""The table of request paths against the service models of the installed botocore."""

from __future__ import annotations

import re
from typing import Final

import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel

from guardedbedrock.bedrock import SERVICES, find_operation
from guardedbedrock.bedrock.operations import RUNTIME_PATHS, TABLE
from guardedbedrock.bedrock.request_paths import path_below

ENDPOINT: Final = "https://bedrock-runtime.us-east-1.amazonaws.com"
ADDRESSES: Final = [
    (service, name, model.operation_model(name).http["method"], model.operation_model(name).http["requestUri"])
    for service in SERVICES
    for model in [ServiceModel(Loader().load_service_model(service, "service-2"), service)]
    for name in model.operation_names
]


def test_runtime_rows_have_the_path_of_botocores_model() -> None:
    """Each row of ``bedrock-runtime`` states the method and the path that botocore writes."""
    stated = {name: find_operation(service, name).path for service, name, _, _ in ADDRESSES if service == "bedrock-runtime"}

    assert stated == {name: f"{method} {uri}" for service, name, method, uri in ADDRESSES if service == "bedrock-runtime"}


def test_rows_of_other_services_that_call_models_have_the_path_of_botocores_model() -> None:
    """The operations of data automation share one path, which names none of them."""
    calling = {
        (service, name): f"{method} {uri}"
        for service, name, method, uri in ADDRESSES
        if service not in ("bedrock-runtime", "bedrock-data-automation-runtime")
        and (find_operation(service, name).needs_guardrail or find_operation(service, name).indirect)
    }

    stated = {(row.service, row.name): row.path for row in TABLE if row.path and row.service != "bedrock-runtime"}
    assert {key: path for key, path in stated.items() if key in calling} == calling


@pytest.mark.parametrize("prefix", ["", "/gateway/bedrock"])
def test_find_returns_runtime_operations_and_no_operation_of_another_service(prefix: str) -> None:
    """An operation of another service never looks like inference, whatever precedes the path."""
    found = {
        (service, name): RUNTIME_PATHS.find(method, f"https://h{prefix}{re.sub('{[^}]+}', 'x%2Fy', uri)}")
        for service, name, method, uri in ADDRESSES
    }

    assert {key: target.operation for key, target in found.items() if target} == {
        (service, name): name for service, name, _, _ in ADDRESSES if service == "bedrock-runtime"
    }


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("POST", "/async-invoke", ("StartAsyncInvoke", "")),
        ("post", "/async-invoke", ("StartAsyncInvoke", "")),
        ("GET", "/async-invoke", ("ListAsyncInvokes", "")),
        ("GET", "/model/m/converse", ("Converse", "m")),
        ("POST", "/model/m%2Fconverse", None),
        ("POST", "/model/m/converse?x=/y", ("Converse", "m")),
        ("POST", "/model/m/converse;x=y", ("Converse", "m")),
        ("POST", "/x/../model//m/./converse", ("Converse", "m")),
        (
            "POST",
            "/model/arn:aws:bedrock:us-east-1::foundation-model/m/invoke",
            ("InvokeModel", "arn:aws:bedrock:us-east-1::foundation-model/m"),
        ),
        ("POST", "/gateway/model/a%2Fb/invoke", ("InvokeModel", "a/b")),
        ("POST", "/model/converse", None),
        ("POST", "", None),
    ],
)
def test_find_reads_a_path_as_a_server_may_read_it(method: str, path: str, expected: tuple[str, str] | None) -> None:
    """Prefixes, dot segments, unencoded ARNs and unusual methods do not hide inference."""
    assert RUNTIME_PATHS.find(method, f"https://h{path}") == expected


@pytest.mark.parametrize(
    ("method", "url", "expected"),
    [
        ("POST", f"{ENDPOINT}/model/a%2Fb/converse", ("Converse", "a/b")),
        ("POST", f"{ENDPOINT}/async-invoke", ("StartAsyncInvoke", "")),
        ("GET", f"{ENDPOINT}/model/m/converse", None),
        ("post", f"{ENDPOINT}/model/m/converse", None),
        ("POST", f"{ENDPOINT}/model/a/b/converse", None),
        ("POST", f"{ENDPOINT}/x/../model/m/converse", None),
        ("POST", f"{ENDPOINT}/gateway/model/m/converse", None),
        ("POST", "https://elsewhere/model/m/converse", None),
        ("POST", f"{ENDPOINT.replace('https', 'http')}/model/m/converse", None),
    ],
)
def test_find_below_accepts_exactly_the_path_of_the_operation(method: str, url: str, expected: tuple[str, str] | None) -> None:
    """Nothing but the method, the endpoint and the path of the operation matches."""
    assert RUNTIME_PATHS.find_below(ENDPOINT, method, url) == expected


@pytest.mark.parametrize(
    ("endpoint", "url", "expected"),
    [
        ("https://h", "https://h/a/b", ("a", "b")),
        ("https://h/", "https://h/a", ("a",)),
        ("https://h/gate/way", "https://h/gate/way/a", ("a",)),
        ("https://h/gate/way", "https://h/gate/a", None),
        ("https://h", "https://h:1/a", None),
    ],
)
def test_path_below_gives_what_follows_the_endpoint(endpoint: str, url: str, expected: tuple[str, ...] | None) -> None:
    """A URL of another host, port or prefix is not below the endpoint."""
    assert path_below(endpoint, url) == expected
