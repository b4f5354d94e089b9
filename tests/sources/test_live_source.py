"""Policies and guardrails that come from the account, a snapshot or S3, and their refresh."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import boto3
import pytest
from harness.account import ACCOUNT, GUARDRAIL, REGION, Aws, document
from harness.clients import Recorder

from guardedbedrock import AccessDeniedError, ConfigurationError, Guard, Guardrail, ImplicitDenyError, PreflightUnavailableError
from guardedbedrock.aws.sources.account import AccountReader
from guardedbedrock.core.events import PreflightDecided, PreflightDiverged, SourceUnavailable
from guardedbedrock.events import GuardrailWithdrawn, SourceEvent, SourceFailed, SourceGap, SourceRead
from guardedbedrock.iam.account.snapshot import write_snapshot
from guardedbedrock.sources.live import LiveSource
from guardedbedrock.telemetry import DecisionLog
from guardedbedrock.testing import FakeBedrock, FakeGuardrail

ROLE: Final = f"arn:aws:iam::{ACCOUNT}:role/team/App"
USER: Final = f"arn:aws:iam::{ACCOUNT}:user/Ann"
MODEL_ID: Final = "anthropic.claude-3-haiku-20240307-v1:0"
PINNED: Final = Guardrail(GUARDRAIL, version="1", name="hr")


class Heard(Recorder):
    """A listener that also receives the events of sources."""

    def __init__(self) -> None:
        super().__init__()
        self.of_source: list[SourceEvent] = []

    def on_source_event(self, event: SourceEvent) -> None:
        """Keep an event."""
        self.of_source.append(event)


def make(**settings: Any) -> tuple[Guard, Heard]:
    """Create a guard and its listener."""
    heard = Heard()
    return Guard(**{"guardrails": [PINNED], "principal": ROLE, "listeners": [heard], **settings}), heard


def converse(guard: Guard, aws: Aws) -> Any:
    """Call a model with a new client."""
    return call(guard.client("bedrock-runtime", **aws.fake.client_kwargs()))


def call(client: Any) -> Any:
    """Call a model."""
    return client.converse(modelId=MODEL_ID, messages=[{"role": "user", "content": [{"text": "hello"}]}])


def guardrail_sent(aws: Aws) -> tuple[str, str]:
    """Return the guardrail of the last call to a model."""
    config = next(one.params["guardrailConfig"] for one in reversed(aws.fake.requests) if one.operation == "Converse")
    return config["guardrailIdentifier"], config["guardrailVersion"]


def source_of(guard: Guard) -> LiveSource:
    """Return the source of a guard."""
    source = guard._rules.source
    assert isinstance(source, LiveSource)
    return source


def replace_policy(aws: Aws, action: str) -> None:
    """Replace the managed policy of the role by an inline policy with one action."""
    iam = aws.client("iam")
    iam.detach_role_policy(RoleName="App", PolicyArn=f"arn:aws:iam::{ACCOUNT}:policy/Read")
    iam.put_role_policy(RoleName="App", PolicyName="Now", PolicyDocument=json.dumps(document(action)))


def snapshot_file(aws: Aws, path: Path, **changes: Any) -> str:
    """Write a snapshot of the account; return the name of the source."""
    write_snapshot({**AccountReader(aws.client, [REGION]).read(), **changes}, path)
    return f"snapshot:{path}"


# -- policies = "account" ---------------------------------------------------------------------------------------------


def test_policies_of_the_account_allow_and_deny(live: Aws) -> None:
    """The role may invoke models and apply guardrails; the user may not apply guardrails."""
    guard, heard = make(policies="account")
    converse(guard, live)

    decided = heard.last.of(PreflightDecided)[0].verdict
    assert {str(one.request.action) for one in decided.decisions} == {"bedrock:InvokeModel", "bedrock:ApplyGuardrail"}
    assert all(one.outcome == "allowed" for one in decided.decisions)
    with pytest.raises(ImplicitDenyError) as denied:
        converse(make(policies="account", principal=USER)[0], live)
    assert denied.value.action == "bedrock:ApplyGuardrail"


def test_unread_enforced_guardrails_leave_the_verdict_open(live: Aws) -> None:
    """A caller needs ApplyGuardrail on each enforced guardrail, which may be another one."""
    live.fail("DescribeEffectivePolicy")
    guard, heard = make(policies="account")
    converse(guard, live)

    verdict = heard.last.of(PreflightDecided)[0].verdict
    assert verdict.decision == "indeterminate"
    why = "`organizations:DescribeEffectivePolicy` returned AccessDenied"
    assert verdict.reasons == (f"enforced guardrails could not be read: {why}",)


def test_account_without_organization_allows_for_sure(live: Aws) -> None:
    """Nothing is unknown."""
    live.fail("DescribeOrganization", code="AWSOrganizationsNotInUseException")
    guard, heard = make(policies="account")
    converse(guard, live)

    assert heard.last.of(PreflightDecided)[0].verdict.decision == "allowed"
    assert heard.of_source == [SourceRead('policies = "account"', has_policies=True)]


def test_gap_is_reported_once_and_named_in_the_verdict(live: Aws) -> None:
    """The event has the statement that grants the missing permission."""
    live.fail("DescribeOrganization")
    guard, heard = make(policies="account")
    converse(guard, live)
    source_of(guard).refresh()
    converse(guard, live)

    gaps = [event for event in heard.of_source if isinstance(event, SourceGap)]
    assert [(gap.section, gap.api, gap.error) for gap in gaps] == [
        ("scp", "organizations:DescribeOrganization", "AccessDenied"),
        ("rcp", "organizations:DescribeOrganization", "AccessDenied"),
    ]
    assert gaps[0].statement == {"Effect": "Allow", "Action": "organizations:DescribeOrganization", "Resource": "*"}
    verdict = heard.last.of(PreflightDecided)[0].verdict
    assert verdict.decision == "indeterminate"
    assert (
        "service control policies could not be read: `organizations:DescribeOrganization` returned AccessDenied"
        in verdict.reasons
    )


def test_changed_policy_applies_after_a_refresh_and_not_in_the_middle_of_a_call(live: Aws) -> None:
    """Eight threads call while the policy changes: each call is decided by one of the two versions, as a whole."""
    guard, heard = make(policies="account")
    client = guard.client("bedrock-runtime", **live.fake.client_kwargs())
    call(client)
    results: list[str] = []
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            try:
                call(client)
                results.append("sent")
            except ImplicitDenyError as error:
                results.append(str(error.action))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    replace_policy(live, "bedrock:ListGuardrails")
    source_of(guard).refresh()
    with pytest.raises(ImplicitDenyError):
        call(client)
    stop.set()
    for thread in threads:
        thread.join()

    assert set(results) <= {"sent", "bedrock:InvokeModel"}
    for seen in heard.calls:
        for decided in seen.of(PreflightDecided):
            assert len({decision.outcome for decision in decided.verdict.decisions if decision.request.action[8] == "I"}) == 1


@pytest.mark.parametrize("principal", [ROLE, f"arn:aws:sts::{ACCOUNT}:assumed-role/App/run"], ids=["role", "session"])
@pytest.mark.parametrize("also_denied", [(), ("GetRole",)], ids=["path known", "path unknown"])
def test_no_identity_policy_at_the_start_makes_the_source_unavailable(
    live: Aws, principal: str, also_denied: tuple[str, ...]
) -> None:
    """It is not merely a gap: the preflight has no policies to evaluate."""
    live.fail("GetAccountAuthorizationDetails", "GetRolePolicy", "ListAttachedRolePolicies", "ListRolePolicies", *also_denied)
    guard, heard = make(policies="account", principal=principal)

    with pytest.raises(PreflightUnavailableError, match=r'policies = "account": no identity-based policy of .* can be read'):
        converse(guard, live)
    assert [event.action for event in heard.last.of(SourceUnavailable)] == ["deny"]
    assert any(isinstance(event, SourceFailed) and event.seconds_left is None for event in heard.of_source)


def test_allow_sends_without_policies_but_never_without_a_guardrail(live: Aws) -> None:
    """The approved guardrail is known from the configuration."""
    live.fail("GetCallerIdentity")
    guard, heard = make(policies="account", on_unavailable="allow")
    converse(guard, live)

    assert [event.action for event in heard.last.of(SourceUnavailable)] == ["allow"]
    assert guardrail_sent(live) == (GUARDRAIL, "1")


@pytest.mark.parametrize(("rule", "level"), [("allow", "WARNING"), ("deny", "INFO")])
def test_the_log_says_that_a_call_was_not_checked(live: Aws, caplog: pytest.LogCaptureFixture, rule: str, level: str) -> None:
    caplog.set_level("INFO", "guardedbedrock")
    live.fail("GetCallerIdentity")
    guard, _ = make(policies="account", on_unavailable=rule, listeners=[DecisionLog()])
    with suppress(PreflightUnavailableError):
        converse(guard, live)

    (record,) = [one for one in caplog.records if getattr(one, "event", "") == "guardedbedrock.source_unavailable"]
    assert record.levelname == level
    assert "GetCallerIdentity" in record.getMessage()


def test_source_that_is_lost_serves_until_max_stale(live: Aws) -> None:
    """Then `on_unavailable` decides; a successful read ends that."""
    guard, heard = make(policies="account", max_stale=100.0)
    client = guard.client("bedrock-runtime", **live.fake.client_kwargs())
    call(client)
    live.fail("*")
    source = source_of(guard)
    source.refresh()
    call(client)
    failed = [event for event in heard.of_source if isinstance(event, SourceFailed)]
    assert failed[0].seconds_left is not None
    assert 90 < failed[0].seconds_left <= 100

    started = time.monotonic()
    source._clock = lambda: started + 101
    with pytest.raises(PreflightUnavailableError, match="is too old"):
        call(client)
    live.recover()
    source.refresh()
    call(client)


def test_lost_identity_policies_are_a_failed_read_and_not_an_empty_list(live: Aws) -> None:
    """The last data that was read applies."""
    guard, heard = make(policies="account")
    client = guard.client("bedrock-runtime", **live.fake.client_kwargs())
    call(client)
    live.fail("GetAccountAuthorizationDetails", "GetRolePolicy", "ListAttachedRolePolicies", "ListRolePolicies", "GetRole")
    source_of(guard).refresh()
    call(client)

    assert any(isinstance(event, SourceFailed) for event in heard.of_source)


def test_throttled_organization_is_asked_again_soon_and_goes_on_where_it_stopped(live: Aws) -> None:
    """The verdict is open until then; documents that were read are not read again."""
    live.fail("DescribePolicy", "DescribeEffectivePolicy", code="ThrottlingException")
    guard, heard = make(policies="account")
    converse(guard, live)
    source = source_of(guard)

    assert source.schedule.failures == 1
    assert heard.last.of(PreflightDecided)[0].verdict.decision == "indeterminate"
    live.recover()
    source.refresh()
    assert source.schedule.failures == 0


def test_calls_do_not_wait_for_a_refresh(live: Aws) -> None:
    """A refresh that hangs delays no call."""
    guard, _ = make(policies="account")
    client = guard.client("bedrock-runtime", **live.fake.client_kwargs())
    call(client)
    source, hangs = source_of(guard), threading.Event()

    class Hanging:
        """A reader that hangs until it may go on."""

        def read(self, *_: Any) -> Any:
            hangs.wait(20)
            raise ConfigurationError("hung")

    source._reader = Hanging()
    thread = threading.Thread(target=source.refresh)
    thread.start()
    call(client)
    assert thread.is_alive()
    hangs.set()
    thread.join()


def test_every_kind_of_caller_is_found(live: Aws) -> None:
    """A session of a role, a user and the root user."""
    session = f"arn:aws:sts::{ACCOUNT}:assumed-role/App/run"
    guard, heard = make(policies="account", principal=session)
    converse(guard, live)
    assert heard.last.of(PreflightDecided)[0].verdict.decisions[0].request.facts["aws:principalarn"] == ROLE

    root, heard = make(policies="account", principal=f"arn:aws:iam::{ACCOUNT}:root")
    converse(root, live)
    assert all(one.outcome == "allowed" for one in heard.last.of(PreflightDecided)[0].verdict.decisions)

    with pytest.raises(PreflightUnavailableError, match="has no principal"):
        converse(make(policies="account", principal=f"arn:aws:sts::{ACCOUNT}:federated-user/Bob")[0], live)


# -- snapshots ----------------------------------------------------------------------------------------------------------


def test_snapshot_in_a_file_has_the_policies(live: Aws, tmp_path: Path) -> None:
    """A new file applies after a refresh."""
    path = tmp_path / "account.json"
    guard, _ = make(policies=snapshot_file(live, path))
    client = guard.client("bedrock-runtime", **live.fake.client_kwargs())
    call(client)
    replace_policy(live, "bedrock:ListGuardrails")
    snapshot_file(live, path)
    call(client)
    source_of(guard).refresh()

    with pytest.raises(ImplicitDenyError):
        call(client)


def test_unusable_snapshot_is_a_configuration_error(live: Aws, tmp_path: Path) -> None:
    """The guard is not created."""
    path = tmp_path / "account.json"
    name = snapshot_file(live, path)
    with pytest.raises(ConfigurationError, match="has no principal"):
        make(policies=name, principal=f"arn:aws:iam::{ACCOUNT}:role/Other")
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(ConfigurationError, match="does not match"):
        make(policies=name)
    snapshot_file(live, path, version=2)
    with pytest.raises(ConfigurationError, match="schema version 2 is unknown"):
        make(policies=name)
    snapshot_file(live, path, time="2020-01-01T00:00:00Z")
    with pytest.raises(ConfigurationError, match="max_age is 60 s"):
        make(policies=name, max_age=60)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        make(policies=f"snapshot:{tmp_path / 'missing.json'}")


def test_snapshot_in_s3_is_read_with_its_digest_and_only_when_it_changed(live: Aws, tmp_path: Path) -> None:
    """The second read is conditional; a wrong digest is rejected, and the data of the first read apply."""
    s3 = live.client("s3")
    s3.create_bucket(Bucket="policies")
    upload(live, tmp_path, s3)
    guard, heard = make(policies="s3://policies/prod/account.json")
    client = guard.client("bedrock-runtime", **live.fake.client_kwargs())
    call(client)
    source = source_of(guard)
    live.calls.clear()
    source.refresh()
    assert live.calls == ["GetObject"]

    replace_policy(live, "bedrock:ListGuardrails")
    upload(live, tmp_path, s3)
    s3.put_object(Bucket="policies", Key="prod/account.json.sha256", Body=b"0" * 64)
    source.refresh()
    call(client)
    failure = heard.of_source[-1]
    assert isinstance(failure, SourceFailed)
    assert "does not match" in failure.reason

    upload(live, tmp_path, s3)
    source.refresh()
    with pytest.raises(ImplicitDenyError):
        call(client)


def test_s3_that_is_unreachable_or_empty_makes_the_source_unavailable(live: Aws) -> None:
    """The message names the object."""
    live.client("s3").create_bucket(Bucket="policies")

    with pytest.raises(PreflightUnavailableError, match=r"s3://policies/none.json cannot be read: .*NoSuchKey"):
        converse(make(policies="s3://policies/none.json")[0], live)
    live.fail("GetObject", code="SlowDown")
    with pytest.raises(PreflightUnavailableError, match="SlowDown"):
        converse(make(policies="s3://policies/none.json")[0], live)
    with pytest.raises(ConfigurationError, match="names no object; write s3://BUCKET/KEY"):
        make(policies="s3://policies")


def upload(aws: Aws, folder: Path, s3: Any) -> None:
    """Upload a snapshot of the account and its digest."""
    path = folder / "account.json"
    snapshot_file(aws, path)
    for name in ("account.json", "account.json.sha256"):
        s3.put_object(Bucket="policies", Key=f"prod/{name}", Body=(folder / name).read_bytes())


# -- guardrails ---------------------------------------------------------------------------------------------------------


def test_guardrails_of_the_account_are_approved_in_their_highest_or_pinned_version(live: Aws) -> None:
    """By name, ID or ARN."""
    converse(make(guardrails="account", policies=None, principal=None)[0], live)
    assert guardrail_sent(live) == (GUARDRAIL, "2")
    pinned = {"abc123def456": "1"}
    converse(make(guardrails="account", guardrail_versions=pinned, policies=None, principal=None)[0], live)
    assert guardrail_sent(live) == (GUARDRAIL, "1")


def test_guardrails_are_chosen_by_tags(live: Aws) -> None:
    """A guardrail must have every wanted tag."""
    wanted = {"Environment": "prod", "Approved": "true"}
    with pytest.raises(ConfigurationError, match="no guardrail is approved for us-east-1"):
        converse(make(guardrails=wanted, policies=None, principal=None)[0], live)
    tags = [{"key": key, "value": value} for key, value in wanted.items()]
    live.client("bedrock").tag_resource(resourceARN=GUARDRAIL, tags=tags)
    converse(make(guardrails=wanted, policies=None, principal=None)[0], live)
    assert guardrail_sent(live) == (GUARDRAIL, "2")


def test_deleted_guardrail_leaves_the_list_with_an_event(live: Aws) -> None:
    """The highest remaining version replaces it."""
    guard, heard = make(guardrails="account", policies=None, principal=None)
    client = guard.client("bedrock-runtime", **live.fake.client_kwargs())
    call(client)
    live.client("bedrock").delete_guardrail(guardrailIdentifier=GUARDRAIL, guardrailVersion="2")
    source_of(guard).refresh()
    call(client)

    assert [event.guardrail.key for event in heard.of_source if isinstance(event, GuardrailWithdrawn)] == [f"{GUARDRAIL}:2"]
    assert guardrail_sent(live) == (GUARDRAIL, "1")


@pytest.mark.parametrize("on_unavailable", ["deny", "allow"])
def test_unknown_guardrails_refuse_every_call(live: Aws, on_unavailable: str) -> None:
    """No call goes out without a guardrail, whatever `on_unavailable` says."""
    live.fail("ListGuardrails")
    guard, _ = make(guardrails="account", policies=None, principal=None, on_unavailable=on_unavailable)

    with pytest.raises(
        PreflightUnavailableError,
        match=r'guardrails = "account": guardrails of us-east-1 could not be read: `bedrock:ListGuardrails`',
    ):
        converse(guard, live)
    assert [request for request in live.fake.requests if request.operation == "Converse"] == []


@pytest.mark.parametrize(
    ("changed", "left"),
    [
        ({"versions": [{"version": "1", "status": "READY"}, {"version": "2", "status": "FAILED"}]}, ("1",)),
        ({"versions": [{"version": "1", "status": "UPDATING"}, {"version": "2", "status": "DELETING"}]}, ()),
        ({"status": "DELETING"}, ()),
        ({"status": "UPDATING"}, ("2",)),
    ],
    ids=["version", "every version", "guardrail", "draft"],
)
def test_version_that_is_not_ready_leaves_the_list_with_an_event(
    live: Aws, monkeypatch: pytest.MonkeyPatch, changed: dict[str, Any], left: tuple[str, ...]
) -> None:
    """The highest version that is READY replaces it. A draft that is being changed does not matter."""
    guard, heard = make(guardrails="account", policies=None, principal=None)
    client = guard.client("bedrock-runtime", **live.fake.client_kwargs())
    call(client)
    source = source_of(guard)
    read: Any = source._reader.read

    def read_changed(*args: Any) -> Any:
        snapshot = read(*args)
        return {**snapshot, "guardrails": [{**snapshot["guardrails"][0], **changed}]}

    monkeypatch.setattr(source._reader, "read", read_changed)
    source.refresh()
    withdrawn = [event.guardrail.version for event in heard.of_source if isinstance(event, GuardrailWithdrawn)]

    assert tuple(one.version for one in guard.rules.approved) == left
    assert withdrawn == ([] if left == ("2",) else ["2"])


def test_pinned_version_that_is_not_ready_is_not_replaced(live: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    """No other version was approved."""
    guard, heard = make(guardrails="account", guardrail_versions={"abc123def456": "1"}, policies=None, principal=None)
    converse(guard, live)
    source = source_of(guard)
    assert source.account is not None
    versions = [{"version": "1", "status": "FAILED"}, {"version": "2", "status": "READY"}]
    changed = {**source.account.snapshot["guardrails"][0], "versions": versions}
    monkeypatch.setattr(source._reader, "read", lambda *_: {"gaps": [], "guardrails": [changed]})
    source.refresh()

    assert guard.rules.approved == ()
    assert [event.guardrail.version for event in heard.of_source if isinstance(event, GuardrailWithdrawn)] == ["1"]


def test_lost_guardrails_stay_approved_if_unavailability_allows(live: Aws) -> None:
    """The last known guardrail is sent."""
    guard, _ = make(guardrails="account", policies=None, principal=None, on_unavailable="allow", max_stale=1.0)
    client = guard.client("bedrock-runtime", **live.fake.client_kwargs())
    call(client)
    live.fail("ListGuardrails")
    source, started = source_of(guard), time.monotonic()
    source._clock = lambda: started + 100
    call(client)

    assert guardrail_sent(live) == (GUARDRAIL, "2")


def test_policies_of_a_snapshot_and_guardrails_of_the_account_go_together(live: Aws, tmp_path: Path) -> None:
    """The application role may list guardrails, but not read IAM."""
    name = snapshot_file(live, tmp_path / "account.json")
    live.fail("GetAccountAuthorizationDetails", "DescribeOrganization")
    guard, _ = make(policies=name, guardrails="account")
    converse(guard, live)

    assert guardrail_sent(live) == (GUARDRAIL, "2")


def test_guardrails_of_the_account_do_not_close_the_gaps_of_a_snapshot(live: Aws, tmp_path: Path) -> None:
    """The snapshot has no resource-based policies of guardrails that could not be listed."""
    gap = {"section": "guardrails", "api": "bedrock:ListGuardrails", "error": "AccessDenied", "statement": None}
    guard, _ = make(policies=snapshot_file(live, tmp_path / "account.json", gaps=[gap]), guardrails="account")
    converse(guard, live)
    account = source_of(guard).account

    assert account is not None
    assert account.evaluate(USER, "bedrock:ApplyGuardrail", GUARDRAIL).outcome == "indeterminate"


def test_configuration_file_names_sources(live: Aws, tmp_path: Path) -> None:
    """A relative path starts from the folder of the file."""
    snapshot_file(live, tmp_path / "account.json")
    file = tmp_path / "guardedbedrock.toml"
    file.write_text(
        f'policies = "snapshot:account.json"\nprincipal = "{ROLE}"\nrefresh = 60\nmax_stale = 120\non_unavailable = "allow"\n'
        '[guardrails]\nEnvironment = "prod"\n',
        "utf-8",
    )
    guard = Guard.from_config(file)

    assert (
        source_of(guard).name
        == f'policies = "snapshot:{tmp_path / "account.json"}" and guardrails with the tags Environment = prod'
    )


# -- divergence and credentials -------------------------------------------------------------------------------------------


def test_denial_by_aws_after_an_allow_reads_the_source_early_and_at_most_once_a_minute(live: Aws) -> None:
    """The event carries the verdict and the error."""
    live.fail("DescribeOrganization", code="AWSOrganizationsNotInUseException")
    guard, heard = make(policies="account")
    client = guard.client("bedrock-runtime", **live.fake.client_kwargs())
    call(client)
    source = source_of(guard)
    loaded = source.account
    live.fake.deny("Converse", by="scp-explicit", times=3)
    for _ in range(3):
        with pytest.raises(AccessDeniedError):
            call(client)

    (diverged,) = heard.last.of(PreflightDiverged)
    assert diverged.verdict.decision == "allowed"
    assert isinstance(diverged.error, AccessDeniedError)
    assert source.divergences == 3
    wait_until(lambda: source.account is not loaded)


def test_success_after_a_denial_in_report_mode_diverges(live: Aws) -> None:
    """The user may not apply guardrails, as the policies say; the fake allows the call."""
    guard, heard = make(policies="account", principal=USER, mode="report")
    converse(guard, live)

    (diverged,) = heard.last.of(PreflightDiverged)
    assert (diverged.verdict.decision, diverged.error) == ("implicitDeny", None)
    assert source_of(guard).divergences == 1


def test_rotated_credentials_of_another_role_get_its_policies(live: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client stays, its credentials change; STS is asked again."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", live.moto_url)
    iam = live.client("iam")
    iam.create_role(RoleName="Weak", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": []}))
    iam.put_role_policy(RoleName="Weak", PolicyName="List", PolicyDocument=json.dumps(document("bedrock:ListGuardrails")))
    sts = live.client("sts")
    strong, weak = (
        sts.assume_role(RoleArn=arn, RoleSessionName="run")["Credentials"] for arn in (ROLE, f"arn:aws:iam::{ACCOUNT}:role/Weak")
    )
    guard, _ = make(policies="account", principal="caller")
    keys = {"aws_access_key_id": strong["AccessKeyId"], "aws_secret_access_key": strong["SecretAccessKey"]}
    client = guard.client("bedrock-runtime", **{**live.fake.client_kwargs(), **keys}, aws_session_token=strong["SessionToken"])
    call(client)
    credentials = client._get_credentials()
    credentials.access_key, credentials.secret_key, credentials.token = weak["AccessKeyId"], "x", weak["SessionToken"]

    with pytest.raises(ImplicitDenyError) as denied:
        call(client)
    assert denied.value.principal == f"arn:aws:sts::{ACCOUNT}:assumed-role/Weak/run"


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for a thread, ten seconds at most."""
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_installed_guard_reads_its_source_with_clients_that_it_does_not_guard(live: Aws) -> None:
    """Otherwise the read would wait for itself: the clients of the source are clients of a Bedrock service too."""
    guard, _ = make(policies="account", guardrails="account")
    with guard.install():
        client = boto3.client("bedrock-runtime", **live.fake.client_kwargs())
        call(client)
        source_of(guard).refresh()
        call(client)

    assert guardrail_sent(live) == (GUARDRAIL, "2")


def test_clients_of_a_source_are_not_reported_as_unguarded(live: Aws) -> None:
    """Warnings are errors here."""
    guard, _ = make(policies="account", guardrails="account")
    converse(guard, live)

    with guard.install():
        assert call(boto3.client("bedrock-runtime", **live.fake.client_kwargs()))["stopReason"]


def test_a_source_is_not_due_before_the_first_call(live: Aws) -> None:
    """The first call reads it; the thread would read it a second time."""
    guard, _ = make(policies="account")
    source = source_of(guard)

    assert source.due() == float("inf")
    converse(guard, live)
    assert source.due() < float("inf")


def test_a_source_is_read_again_before_its_data_expires(live: Aws) -> None:
    """It would be unavailable between two successful reads."""
    guard, _ = make(policies="account", refresh=86400.0, max_stale=3600.0)
    converse(guard, live)

    source = source_of(guard)
    assert source.due() - time.monotonic() < 3600.0


# -- the Regions of clients -------------------------------------------------------------------------------------------

ELSEWHERE: Final = Guardrail(f"arn:aws:bedrock:eu-west-1:{ACCOUNT}:guardrail/eu0000000001", version="1", name="eu")
ENFORCED: Final = "ListEnforcedGuardrailsConfiguration"


def test_enforced_guardrails_of_the_region_of_each_client_are_read(live: Aws) -> None:
    """The session of the source has another Region, and the configuration lists the guardrails."""
    guard, _ = make(policies="account", guardrails=[PINNED, ELSEWHERE])

    with FakeBedrock(region="eu-west-1", guardrails=[FakeGuardrail(ELSEWHERE.arn, version="1")]) as elsewhere:
        call(guard.client("bedrock-runtime", **elsewhere.client_kwargs()))
    assert live.regions[ENFORCED] == ["eu-west-1"]
    call(guard.client("bedrock-runtime", **live.fake.client_kwargs()))
    assert live.regions[ENFORCED][1:] == ["eu-west-1", REGION]


def test_creating_the_first_client_reads_no_policies(live: Aws) -> None:
    """The first call reads them, with the principal."""
    guard, _ = make(policies="account")

    client = guard.client("bedrock-runtime", **live.fake.client_kwargs())

    assert live.regions[ENFORCED] == []
    call(client)
    assert live.regions[ENFORCED] == [REGION]


def test_a_simulation_reads_its_region(live: Aws) -> None:
    """Its verdict is that of a call."""
    guard, _ = make(policies="account", guardrails=[PINNED, ELSEWHERE])

    guard.simulate("Converse", {"modelId": MODEL_ID}, region_name="eu-west-1")

    assert live.regions[ENFORCED] == ["eu-west-1"]
