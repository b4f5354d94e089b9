from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import boto3
import pytest
from botocore import auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.loaders import Loader
from botocore.model import ServiceModel
from harness.clients import DENIED_MODEL, HR, MODEL, POLICIES, POLICY, PUBLIC, ROLE, WEAK, Recorder, ask, read

from guardedbedrock import (
    AccessDeniedError,
    ExplicitDenyError,
    Guard,
    GuardrailNotApprovedError,
    GuardrailTamperedError,
    UnguardableOperationError,
    iam,
)
from guardedbedrock.aws.signer.inference_request import inference_of
from guardedbedrock.aws.signer.signing_guard import add_signing_guard
from guardedbedrock.core.events import CallRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

KEYS: Final = Credentials("testing", "testing")
HOST: Final = "https://bedrock-runtime.us-east-1.amazonaws.com"
ELSEWHERE: Final = "http://127.0.0.1:4000/gateway/v2"
PROMPT: Final[dict[str, Any]] = {"messages": [{"role": "user", "content": [{"text": "hello"}]}]}
CONFIG: Final = {"guardrailIdentifier": HR.arn, "guardrailVersion": HR.version}
HEADERS: Final = {"X-Amzn-Bedrock-GuardrailIdentifier": HR.arn, "X-Amzn-Bedrock-GuardrailVersion": HR.version}
ARN: Final = f"arn:aws:bedrock:us-east-1::foundation-model/{MODEL}"


def sign(  # noqa: PLR0913  # a signature depends on all of them
    path: str = f"/model/{MODEL}/invoke",
    body: object = None,
    headers: dict[str, str] | None = None,
    *,
    base: str = HOST,
    method: str = "POST",
    service: str = "bedrock",
    region: str = "us-east-1",
    signer: type = auth.SigV4Auth,
) -> AWSRequest:
    """Sign a request as LiteLLM and the Anthropic SDK do."""
    data = body if isinstance(body, str) else json.dumps(PROMPT if body is None else body)
    typed = {"Content-Type": "application/json", **(headers or {})}
    request = AWSRequest(method=method, url=base + path, data=data, headers=typed)
    signer(KEYS, service, region).add_auth(request)
    return request


def guardrail_of(request: AWSRequest) -> tuple[str | None, str | None]:
    """Read the guardrail that the headers of a request name."""
    identifier, version = map(request.headers.get, HEADERS)
    return identifier, version


class Presign(auth.SigV4QueryAuth):  # type: ignore[misc]  # botocore has no types
    """A signer of URLs under another name."""


@pytest.fixture(name="standing")
def make_standing() -> Iterator[Callable[..., Recorder]]:
    """Add signing guards with keywords of `Guard`; yield a function that returns the listener of each."""
    stood: list[Any] = []

    def stand(**options: Any) -> Recorder:
        recorder = Recorder()
        told = {"guardrails": [HR, PUBLIC], "policies": POLICIES, "principal": ROLE, "listeners": ()}
        stood.append(add_signing_guard(Guard(**{**told, **options}).rules, (recorder,)))
        return recorder

    yield stand
    for each in stood:
        each.remove()


@pytest.mark.parametrize(
    "path",
    [
        f"/model/{MODEL}/invoke",
        f"/model/{MODEL}/invoke-with-response-stream",
        "/model/us.anthropic.claude-v1%3A0/invoke",
    ],
)
@pytest.mark.parametrize("base", [HOST, ELSEWHERE, "https://vpce-0a1b.bedrock-runtime.us-east-1.vpce.amazonaws.com"])
def test_invoke_model_gets_the_guardrail_in_signed_headers(standing: Any, path: str, base: str) -> None:
    standing()

    request = sign(path, base=base)

    assert guardrail_of(request) == (HR.arn, HR.version)
    assert "x-amzn-bedrock-guardrailidentifier;x-amzn-bedrock-guardrailversion" in request.headers["Authorization"]


def test_presigned_invoke_model_of_another_client_binds_the_guardrail(standing: Any) -> None:
    standing()

    request = sign(signer=auth.SigV4QueryAuth)

    assert "x-amzn-bedrock-guardrailidentifier%3Bx-amzn-bedrock-guardrailversion" in request.url


@pytest.mark.parametrize(
    ("path", "body", "base"),
    [
        (f"/model/{MODEL}/converse", None, HOST),
        (f"/model/{MODEL}/converse", None, ELSEWHERE),
        (f"/model/{MODEL}/converse-stream", None, HOST),
        (f"/model/{ARN}/converse", None, HOST),
        (f"//model//{MODEL}//converse/", None, HOST),
        (f"/model/{MODEL}/converse/.", None, ELSEWHERE),
        (f"/model/{MODEL}/converse/x/..", None, ELSEWHERE),
        (f"/model/{MODEL}/count-tokens/../converse", None, HOST),
        (f"/model/{MODEL}/%63onverse;v=1", None, ELSEWHERE),
        (f"/model/{MODEL}/converse", {**PROMPT, "guardrailConfig": {}}, HOST),
        (f"/model/{MODEL}/converse", {**PROMPT, "guardrailConfig": {"guardrailIdentifier": HR.arn}}, HOST),
        (f"/model/{MODEL}/converse", {**PROMPT, "guardrailConfig": {"guardrailIdentifier": 7}}, HOST),
        (f"/model/{MODEL}/converse", {**PROMPT, "toolConfig": {"tools": 7}}, HOST),
        (f"/model/{MODEL}/converse", "not JSON", HOST),
        (f"/model/{MODEL}/converse", json.dumps(CONFIG)[:-1] + ', "guardrailConfig": {}, "guardrailConfig": {}}', HOST),
    ],
)
def test_converse_without_an_approved_guardrail_is_refused(standing: Any, path: str, body: object, base: str) -> None:
    recorder = standing()

    with pytest.raises(GuardrailTamperedError) as refused:
        sign(path, body, base=base)

    assert recorder.last.of(CallRefused) == [CallRefused(refused.value, enforced=True)]
    assert recorder.last.closed == [refused.value]


@pytest.mark.parametrize("identifier", [HR.arn, HR.id])
@pytest.mark.parametrize("model", [MODEL, ARN])
def test_converse_with_an_approved_guardrail_is_signed(standing: Any, identifier: str, model: str) -> None:
    recorder = standing()

    request = sign(f"/model/{model}/converse", {**PROMPT, "guardrailConfig": {**CONFIG, "guardrailIdentifier": identifier}})

    assert "Authorization" in request.headers
    assert recorder.calls == []


@pytest.mark.parametrize(
    ("path", "body", "headers"),
    [
        (f"/model/{MODEL}/converse", {**PROMPT, "guardrailConfig": WEAK}, {}),
        (f"/model/{MODEL}/invoke", None, dict(zip(HEADERS, WEAK.values(), strict=True))),
    ],
)
def test_request_with_an_unapproved_guardrail_is_refused(standing: Any, path: str, body: object, headers: dict[str, str]) -> None:
    standing()

    with pytest.raises(GuardrailNotApprovedError):
        sign(path, body, headers)


def test_unapproved_guardrail_headers_are_replaced_if_configured(standing: Any) -> None:
    standing(on_unapproved="replace")

    request = sign(headers=dict(zip(HEADERS, WEAK.values(), strict=True)))

    assert guardrail_of(request) == (HR.arn, HR.version)
    assert [len(request.headers.get_all(name)) for name in HEADERS] == [1, 1]


def test_chosen_guardrail_is_set_in_headers(standing: Any) -> None:
    standing()

    with Guard(guardrails=[HR, PUBLIC]).using("customer-facing"):
        request = sign()

    assert guardrail_of(request) == (PUBLIC.arn, PUBLIC.version)


@pytest.mark.parametrize(
    ("path", "options"),
    [
        ("/async-invoke", {}),
        ("/async-invoke", {"method": "post", "base": ELSEWHERE}),
        (f"/model/{MODEL}/invoke-with-bidirectional-stream", {}),
        (f"/model/{MODEL}/converse", {"signer": auth.SigV4QueryAuth, "body": {**PROMPT, "guardrailConfig": CONFIG}}),
        (f"/model/{MODEL}/converse", {"signer": Presign, "body": {**PROMPT, "guardrailConfig": CONFIG}}),
        ("/openai/v1/responses", {}),
        (f"/model/{MODEL}/think", {}),
        ("/anthropic/v1/messages", {"base": "https://bedrock-mantle.us-east-1.api.aws", "service": "bedrock-mantle"}),
    ],
)
def test_request_that_cannot_carry_a_guardrail_is_refused(standing: Any, path: str, options: dict[str, Any]) -> None:
    recorder = standing()

    with pytest.raises(UnguardableOperationError, match=r"does not know|has no guardrail location|does not bind"):
        sign(path, **options)

    assert len(recorder.last.of(CallRefused)) == 1


def test_request_of_an_allowed_unguarded_operation_is_signed(standing: Any) -> None:
    standing(allow_unguarded=["StartAsyncInvoke"])

    assert "Authorization" in sign("/async-invoke", {"modelId": MODEL}).headers


def test_request_to_a_region_without_a_guardrail_is_refused(standing: Any) -> None:
    standing()

    with pytest.raises(GuardrailNotApprovedError, match="eu-west-1"):
        sign(region="eu-west-1")


@pytest.mark.parametrize("path", [f"/model/{DENIED_MODEL}/invoke", f"/model/{DENIED_MODEL}/converse"])
def test_signed_request_is_checked_against_policies(standing: Any, path: str) -> None:
    recorder = standing()

    with pytest.raises(ExplicitDenyError, match="anthropic") as denied:
        sign(path)

    assert [refused.error for refused in recorder.last.of(CallRefused)] == [denied.value]


def test_secure_transport_of_a_signed_request_is_known(standing: Any) -> None:
    only_tls = {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    statements = [*POLICY["Statement"], only_tls]
    standing(policies=iam.PolicySet(identity=[{**POLICY, "Statement": statements}]))

    assert "Authorization" in sign(base=HOST).headers
    with pytest.raises(ExplicitDenyError):
        sign(base=ELSEWHERE)


@pytest.mark.parametrize(
    "options",
    [
        {"path": "/", "base": "https://sts.us-east-1.amazonaws.com", "service": "sts"},
        {
            "path": f"/bucket/model/{MODEL}/converse",
            "base": "https://s3.amazonaws.com",
            "service": "s3",
            "signer": auth.S3SigV4Auth,
        },
        {"path": "/foundation-models", "base": "https://bedrock.us-east-1.amazonaws.com", "method": "GET"},
        {"path": "/guardrails", "base": "https://bedrock.us-east-1.amazonaws.com"},
        {"path": "/agents/a/agentAliases/b/sessions/c/text", "base": "https://bedrock-agent-runtime.us-east-1.amazonaws.com"},
        {"path": f"/guardrail/{HR.id}/version/3/apply"},
        {"path": f"/model/{MODEL}/count-tokens"},
        {"path": "/async-invoke", "method": "GET"},
        {"path": "/openai/v1/models", "method": "GET"},
    ],
)
def test_request_that_reaches_no_model_is_not_checked(standing: Any, options: dict[str, Any]) -> None:
    recorder = standing()

    request = sign(**options)

    assert "Authorization" in request.headers
    assert guardrail_of(request) == (None, None)
    assert recorder.calls == []


def test_no_other_bedrock_operation_counts_as_inference() -> None:
    loader, looks = Loader(), set()
    for service in (name for name in loader.list_available_services("service-2") if "bedrock" in name):
        model = ServiceModel(loader.load_service_model(service, "service-2"), service)
        if model.metadata.get("signingName", model.endpoint_prefix) == "bedrock":
            for name in model.operation_names:
                http = model.operation_model(name).http
                request = AWSRequest(http["method"], "http://127.0.0.1" + http["requestUri"].partition("?")[0], data=b"{}")
                if inference_of(auth.SigV4Auth(KEYS, "bedrock", "us-east-1"), request):
                    looks.add((service, name))

    assert {service for service, _ in looks} == {"bedrock-runtime"}
    assert len(looks) == 6


@pytest.mark.parametrize("method", ["converse", "converse_stream", "invoke_model", "invoke_model_with_response_stream"])
def test_request_of_a_guarded_client_is_checked_once(harness: Any, standing: Any, method: str) -> None:
    home = harness(guardrails=[PUBLIC])
    recorder = standing(guardrails=[HR])

    read(getattr(home.client, method)(**ask(method)))

    assert [guardrail for _, _, guardrail in home.arrived] == [(PUBLIC.arn, PUBLIC.version)]
    assert recorder.calls == []


def test_request_signed_by_hand_during_a_guarded_call_is_checked(harness: Any, standing: Any) -> None:
    home = harness()
    standing()
    home.client.meta.events.register_first("before-sign.bedrock-runtime", lambda **_: sign(f"/model/{MODEL}/converse"))

    with pytest.raises(GuardrailTamperedError, match="has no guardrail"):
        home.client.converse(**ask("converse"))

    assert home.arrived == []


def test_request_for_another_model_during_a_guarded_call_is_checked(harness: Any, standing: Any) -> None:
    home = harness()
    standing()

    def sign_another(request: Any, **_: Any) -> None:
        url = request.url.replace("haiku-20240307", "opus-20240229")
        twin = AWSRequest(method="POST", url=url, data=request.data)
        auth.SigV4Auth(KEYS, "bedrock", "us-east-1").add_auth(twin)

    home.client.meta.events.register_last("before-sign.bedrock-runtime", sign_another)

    with pytest.raises(ExplicitDenyError):
        home.client.converse(**ask("converse"))


def test_copy_of_an_authorized_request_without_headers_is_checked(harness: Any, standing: Any) -> None:
    home = harness()
    standing()
    copies = []

    def copy(request: Any, **_: Any) -> None:
        twin = AWSRequest(method="POST", url=request.url, data=request.body)
        auth.SigV4Auth(KEYS, "bedrock", "us-east-1").add_auth(twin)
        copies.append(twin)

    home.client.meta.events.register("before-send.bedrock-runtime", lambda request, **_: copy(request))
    read(home.client.invoke_model(**ask("invoke_model")))

    assert [guardrail_of(twin) for twin in copies] == [(HR.arn, HR.version)]


def test_request_of_a_plain_boto3_client_is_checked(harness: Any, standing: Any) -> None:
    home = harness()
    plain = boto3.client("bedrock-runtime", **home.fake.client_kwargs())
    standing()

    with pytest.raises(GuardrailTamperedError):
        plain.converse(**ask("converse"))
    read(plain.invoke_model(**ask("invoke_model")))
    plain.close()

    assert [(name, guardrail) for name, _, guardrail in home.arrived] == [("InvokeModel", (HR.arn, HR.version))]


def test_signing_guard_in_report_mode_reports_and_signs(standing: Any) -> None:
    recorder = standing(mode="report")

    request = sign(f"/model/{MODEL}/converse")

    assert "Authorization" in request.headers
    assert [refused.enforced for refused in recorder.last.of(CallRefused)] == [False]
    assert recorder.last.closed == [None]
    assert guardrail_of(sign()) == (HR.arn, HR.version)
    assert len(recorder.calls) == 1


@pytest.mark.parametrize("path", ["/openai/v1/chat/completions", "/openai/v1/responses", "/async-invoke"])
def test_signing_guard_in_report_mode_reports_unguardable_requests(standing: Any, path: str) -> None:
    recorder = standing(mode="report")

    sign(path, {"modelId": MODEL})

    assert [refused.enforced for refused in recorder.last.of(CallRefused)] == [False]


def test_signing_guard_in_off_mode_checks_nothing(standing: Any) -> None:
    recorder = standing(mode="off")

    assert guardrail_of(sign()) == (None, None)
    assert recorder.calls == []


def test_failing_listener_does_not_change_the_check(standing: Any) -> None:
    class Broken:
        def open(self, _: Any) -> None:
            raise RuntimeError

    standing()
    last = add_signing_guard(Guard(guardrails=[HR]).rules, (Broken(),))

    with pytest.raises(GuardrailTamperedError):
        sign(f"/model/{MODEL}/converse")
    last.remove()


def test_signing_guard_error_says_how_to_fix_it(standing: Any) -> None:
    standing()

    with pytest.raises(AccessDeniedError) as refused:
        sign(f"/model/{MODEL}/converse")

    assert refused.value.simulated
    assert refused.value.operation_name == "Converse"
    assert HR.arn in str(refused.value.hint)
    assert "hello" not in f"{refused.value} {refused.value.hint}"
