"""Retries: which failures are retried, how often, and which events report it."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Final

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, EndpointConnectionError, ReadTimeoutError
from botocore.retries import standard
from botocore.session import get_session
from harness.clients import DENIED_MODEL, HR, Recorder, ask, read
from tenacity import RetryError

from guardedbedrock import ExplicitDenyError
from guardedbedrock.bedrock import SERVICES
from guardedbedrock.core.events import Retried
from guardedbedrock.core.observers import Observers
from guardedbedrock.stages.retry.failure_classes import CODES, REQUEST_ERRORS, STATUSES, code_of, is_retryable
from guardedbedrock.stages.retry.policy import ONE_ATTEMPT, RetryPolicy

if TYPE_CHECKING:
    from harness.clients import Make

METHODS: Final = ("converse", "converse_stream", "invoke_model", "invoke_model_with_response_stream")
SCP: Final = "User: x is not authorized to perform: bedrock:InvokeModel with an explicit deny in a service control policy"
DAILY: Final = (
    "Too many tokens per day, please wait before trying again.",
    "Too many requests per day, please wait before trying again.",
    "TOO MANY TOKENS PER DAY",
)


def patient(waits: list[float], attempts: int = 3) -> RetryPolicy:
    """Create a policy that records its waits instead of waiting."""
    return RetryPolicy(attempts=attempts, sleep=waits.append)


@pytest.mark.parametrize("method", METHODS)
def test_a_throttled_call_is_retried_until_it_succeeds(harness: Make, method: str) -> None:
    waits: list[float] = []
    recorder = Recorder()
    env = harness(retry=patient(waits), listeners=[recorder])
    env.fake.fail_next(429, "ThrottlingException", "slow", times=2)

    read(getattr(env.client, method)(**ask(method)))

    assert [request.status for request in env.fake.requests] == [429, 429, 200]
    assert {request.guardrail for request in env.fake.requests} == {(HR.arn, HR.version)}
    retried = recorder.last.of(Retried)
    assert [(event.attempt, event.code, event.wait) for event in retried] == [
        (1, "ThrottlingException", waits[0]),
        (2, "ThrottlingException", waits[1]),
    ]
    assert len(recorder.calls) == 1


def test_a_retry_sends_a_file_from_its_first_position(harness: Make) -> None:
    env = harness()
    env.fake.fail_next(429, "ThrottlingException", "slow", times=2)
    params = ask("invoke_model")
    body = io.BytesIO(b"#" + params["body"])
    body.seek(1)

    read(env.client.invoke_model(**{**params, "body": body}))

    assert [request.params["body"] for request in env.fake.requests] == [params["body"]] * 3


def test_a_stream_that_breaks_immediately_is_requested_again_with_the_whole_file(harness: Make) -> None:
    env = harness()
    env.fake.break_stream(after=0)
    params = ask("invoke_model_with_response_stream")
    body = io.BytesIO(b"#" + params["body"])
    body.seek(1)

    read(env.client.invoke_model_with_response_stream(**{**params, "body": body}))

    assert [request.params["body"] for request in env.fake.requests] == [params["body"]] * 2


@pytest.mark.parametrize("code", [row.name for row in CODES if row.kind != "final"])
def test_every_retryable_code_of_the_table_is_retried(harness: Make, code: str) -> None:
    env = harness()
    env.fake.fail_next(400, code, "later")  # a status that is not retried without the code

    env.client.converse(**ask("converse"))

    assert [request.error for request in env.fake.requests] == [code, None]


@pytest.mark.parametrize("status", [row.name for row in STATUSES])
def test_every_status_of_the_table_is_retried_with_an_unknown_code(harness: Make, status: str) -> None:
    env = harness()
    env.fake.fail_next(int(status), "RateExceeded", "later")

    env.client.converse(**ask("converse"))

    assert [request.error for request in env.fake.requests] == ["RateExceeded", None]


@pytest.mark.parametrize("attempts", [1, 2, 4])
def test_the_last_error_is_raised_unchanged(harness: Make, attempts: int) -> None:
    waits: list[float] = []
    env = harness(retry=patient(waits, attempts))
    env.fake.fail_next(429, "ThrottlingException", "slow", times=9)

    with pytest.raises(env.client.exceptions.ThrottlingException, match="slow") as answered:
        env.client.converse(**ask("converse"))

    assert not isinstance(answered.value, RetryError)
    assert answered.value.response["ResponseMetadata"]["RequestId"] == env.fake.requests[-1].request_id
    assert (len(env.fake.requests), len(waits)) == (attempts, attempts - 1)


@pytest.mark.parametrize("code", [row.name for row in CODES if row.kind == "final" and "Denied" not in row.name])
def test_every_final_code_of_the_table_is_not_retried(harness: Make, code: str) -> None:
    env = harness()
    env.fake.fail_next(400, code, "no", times=9)

    with pytest.raises(ClientError):
        env.client.converse(**ask("converse"))

    assert len(env.fake.requests) == 1


@pytest.mark.parametrize("message", DAILY)
def test_a_daily_quota_is_not_retried(harness: Make, message: str) -> None:
    waits: list[float] = []
    env = harness(retry=patient(waits))
    env.fake.fail_next(429, "ThrottlingException", message, times=9)

    with pytest.raises(env.client.exceptions.ThrottlingException) as answered:
        env.client.converse(**ask("converse"))

    assert (len(env.fake.requests), waits, answered.value.retry_attempts) == (1, [], 0)


def test_a_quota_per_minute_is_retried(harness: Make) -> None:
    env = harness()
    env.fake.fail_next(429, "ThrottlingException", "Too many tokens, please wait before trying again.")

    env.client.converse(**ask("converse"))

    assert len(env.fake.requests) == 2


def test_a_denial_by_aws_is_not_retried(harness: Make) -> None:
    env = harness()
    env.fake.deny_next(SCP, times=9)

    with pytest.raises(ExplicitDenyError):
        env.client.converse(**ask("converse"))

    assert len(env.fake.requests) == 1


def test_a_denial_after_a_throttling_error_ends_the_retries(harness: Make) -> None:
    env = harness()
    env.fake.fail_next(429, "ThrottlingException", "slow")
    env.fake.deny_next(SCP, times=9)

    with pytest.raises(ExplicitDenyError):
        env.client.converse(**ask("converse"))

    assert [request.error for request in env.fake.requests] == ["ThrottlingException", "AccessDeniedException"]


def test_a_simulated_denial_sends_nothing_and_waits_for_nothing(harness: Make) -> None:
    waits: list[float] = []
    env = harness(retry=patient(waits))

    with pytest.raises(ExplicitDenyError):
        env.client.converse(**ask("converse", model=DENIED_MODEL))

    assert (env.fake.requests, waits) == ([], [])


def test_policies_are_evaluated_once_for_all_attempts(harness: Make) -> None:
    recorder = Recorder()
    env = harness(listeners=[recorder])
    env.fake.fail_next(500, "InternalServerException", "oops", times=2)

    env.client.converse(**ask("converse"))

    told = [type(event).__name__ for event in recorder.last.events]
    assert [name for name in told if name in {"GuardrailInjected", "PreflightDecided", "Retried"}] == [
        "GuardrailInjected",
        "PreflightDecided",
        "Retried",
        "Retried",
    ]
    assert recorder.last.closed == [None]


def test_a_broken_connection_is_retried(harness: Make) -> None:
    waits: list[float] = []
    env = harness(retry=patient(waits))
    env.fake.close()

    with pytest.raises(EndpointConnectionError):
        env.client.converse(**ask("converse"))

    assert len(waits) == 2


def test_waits_are_random_below_a_bound_that_doubles() -> None:
    first: list[float] = []
    second: list[float] = []

    def fail() -> None:
        raise ReadTimeoutError(endpoint_url="http://x")

    for waits in (first, second):
        with pytest.raises(ReadTimeoutError):
            RetryPolicy(attempts=8, longest_wait=2.0, sleep=waits.append).run(fail, Observers((), None))  # type: ignore[arg-type]

    bounds = [0.5, 1.0, 2.0, 2.0, 2.0, 2.0, 2.0]
    assert len(first) == len(bounds)
    assert all(wait <= bound for wait, bound in zip(first, bounds, strict=True))
    assert first != second


def answered(status: int, code: str) -> ClientError:
    """Make an error as botocore parses it."""
    return ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "Converse")


WORTH: Final[dict[str, tuple[BaseException, bool, str]]] = {
    "code-of-the-table": (answered(429, "ThrottlingException"), True, "ThrottlingException"),
    "status-alone": (answered(502, "Whatever"), True, "Whatever"),
    "not-implemented": (answered(501, "Whatever"), False, "Whatever"),
    "denied": (answered(403, "AccessDeniedException"), False, "AccessDeniedException"),
    "connection": (ConnectionClosedError(endpoint_url="http://x"), True, "ConnectionClosedError"),
    "mistake": (ValueError("x"), False, "ValueError"),
    "nothing-parsed": (ClientError({}, "Converse"), False, ""),
}


def test_what_botocore_retries_in_its_standard_mode_is_retried() -> None:
    throttled, transient = standard.ThrottledRetryableChecker, standard.TransientRetryableChecker
    too_many = getattr(standard, "ThrottlingStatusCodeChecker", None)  # older versions do not have it
    codes = {*throttled._THROTTLED_ERROR_CODES, *transient._TRANSIENT_ERROR_CODES}
    statuses = {*transient._TRANSIENT_STATUS_CODES, *(too_many._THROTTLING_STATUS_CODES if too_many else ())}
    models = [get_session().get_service_model(service) for service in SERVICES]
    shapes = [shape for model in models for name in model.operation_names for shape in model.operation_model(name).error_shapes]
    codes |= {shape.name for shape in shapes if shape.metadata.get("retryable") is not None}

    assert {code for code in codes if not is_retryable(answered(400, code))} == set()
    assert {status for status in statuses if not is_retryable(answered(status, "Whatever"))} == set()
    assert {error for error in transient._TRANSIENT_EXCEPTION_CLS if not issubclass(error, REQUEST_ERRORS)} == set()


@pytest.mark.parametrize(("error", "worth", "code"), WORTH.values(), ids=WORTH)
def test_errors_are_classified_as_retryable_or_final(error: BaseException, worth: Any, code: str) -> None:
    assert (is_retryable(error), code_of(error)) == (worth, code)


def test_a_policy_of_one_attempt_never_retries() -> None:
    tried: list[int] = []

    def fail() -> None:
        tried.append(1)
        raise answered(429, "ThrottlingException")

    with pytest.raises(ClientError):
        ONE_ATTEMPT.run(fail, Observers((), None))  # type: ignore[arg-type]

    assert len(tried) == 1


@pytest.mark.parametrize("kind", [list, tuple])
def test_what_a_handler_changes_is_not_changed_again_in_the_next_attempt(harness: Make, kind: type[Any]) -> None:
    """Its handler runs for each attempt that the guard makes; the parameters of the application stay as they are."""
    env, system = harness(), kind([{"text": "be brief"}])

    def add(params: dict[str, Any], **_: Any) -> None:
        params["system"][0]["text"] += " and kind"

    env.client.meta.events.register("before-parameter-build.bedrock-runtime.Converse", add)
    env.fake.fail_next(503, "ServiceUnavailableException", "later")

    env.client.converse(**ask("converse"), system=system)

    assert [request.params["system"] for request in env.fake.requests] == [[{"text": "be brief and kind"}]] * 2
    assert system == kind([{"text": "be brief"}])
