"""Every way to a client: sessions, existing clients, and clients created while a guard is installed."""

from __future__ import annotations

import inspect
import subprocess
import sys
import warnings
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from unittest.mock import Mock

import boto3
import botocore.session
import pytest
import wrapt
from boto3 import client as captured_early
from botocore import handlers
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.client import BaseClient
from botocore.config import Config
from botocore.credentials import Credentials
from harness.clients import DENIED_MODEL, HR, MODEL, ON_THE_SERVER, POLICIES, PUBLIC, ROLE, WEAK, ask

import guardedbedrock
from guardedbedrock import (
    ConfigurationError,
    Guard,
    GuardrailNotApprovedError,
    GuardrailTamperedError,
    PolicyDeniedError,
    UnguardedClientWarning,
)
from guardedbedrock.aws.client.mixin import Guarded, GuardedClient
from guardedbedrock.aws.creation import session as sessions
from guardedbedrock.stages.retry.policy import ONE_ATTEMPT, RetryPolicy
from guardedbedrock.testing import FakeBedrock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.filterwarnings("ignore::guardedbedrock.UnguardedClientWarning")  # other tests have clients too
PLAIN: Final = botocore.session.Session.create_client
SESSION: Final = boto3.Session()
"""A session that was created before any guard."""


@pytest.fixture(autouse=True)
def nothing_installed() -> Iterator[None]:
    """Check that botocore is unpatched before and after a test."""
    before = tuple(handlers.BUILTIN_HANDLERS)
    yield
    left = botocore.session.Session.create_client, tuple(handlers.BUILTIN_HANDLERS)
    botocore.session.Session.create_client = PLAIN
    assert left == (PLAIN, before)


@pytest.fixture(name="fake")
def make_fake() -> Iterator[FakeBedrock]:
    """Serve the guardrails of the harness."""
    with FakeBedrock(guardrails=ON_THE_SERVER) as fake:
        yield fake


@pytest.fixture(name="make")
def maker(fake: FakeBedrock) -> Iterator[Callable[..., Any]]:
    """Create clients of the fake with any function that creates clients, and close them."""
    with ExitStack() as stack:

        def make(create: Callable[..., Any], service: str = "bedrock-runtime", **options: Any) -> Any:
            client = create(service, **{**fake.client_kwargs(), **options})
            stack.callback(client.close)
            return client

        yield make


def guard(**options: Any) -> Guard:
    """Create a guard without listeners."""
    return Guard(**{"guardrails": [HR], "policies": POLICIES, "principal": ROLE, "listeners": (), **options})


def guardrails(fake: FakeBedrock) -> list[tuple[str, str] | None]:
    """List the guardrails that arrived, call by call."""
    return [request.guardrail for request in fake.requests]


def is_guarded(client: Any, fake: FakeBedrock) -> bool:
    """Return whether a client is guarded: the guardrail arrives, a denied call does not."""
    before = len(fake.requests)
    client.converse(**ask("converse"))
    with pytest.raises(PolicyDeniedError):
        client.converse(**ask("converse", model=DENIED_MODEL))
    return guardrails(fake)[before:] == [(HR.arn, HR.version)]


SESSIONS: Final[dict[str, Callable[[Guard], Callable[..., Any]]]] = {
    "boto3": lambda one: one.session(boto3.Session()).client,
    "botocore": lambda one: one.session(botocore.session.get_session()).create_client,
    "boto3 over a guarded botocore": lambda one: (
        boto3.Session(botocore_session=one.session(botocore.session.get_session())).client
    ),
    "botocore under a guarded boto3": lambda one: one.session(boto3.Session())._session.create_client,
}


@pytest.mark.parametrize("way", SESSIONS.values(), ids=SESSIONS)
def test_sessions_of_boto3_and_botocore_create_guarded_clients(
    make: Callable[..., Any], fake: FakeBedrock, way: Callable[[Guard], Callable[..., Any]]
) -> None:
    create = way(guard())

    assert is_guarded(make(create), fake)
    assert not isinstance(make(create, "sts"), Guarded)


@pytest.mark.parametrize("thing", [None, object(), boto3, "a session"])
def test_guard_session_rejects_other_objects(thing: Any) -> None:
    with pytest.raises(ConfigurationError, match="pass a session of boto3, botocore or aiobotocore"):
        guard().session(thing)


def test_package_session_is_a_boto3_session(
    make: Callable[..., Any], fake: FakeBedrock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "guardedbedrock.toml").write_text(f'[[guardrails]]\narn = "{HR.arn}"\nversion = "{HR.version}"\n', "utf-8")
    monkeypatch.setenv("GUARDEDBEDROCK_CONFIG", str(tmp_path / "guardedbedrock.toml"))

    session = guardedbedrock.Session(region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
    make(session.client).converse(**ask("converse"))

    assert isinstance(session, boto3.Session)
    assert inspect.signature(guardedbedrock.Session) == inspect.signature(boto3.Session)
    assert (session.region_name, session.get_credentials().access_key) == ("us-east-1", "a")
    assert guardrails(fake) == [(HR.arn, HR.version)]
    with pytest.raises(ConfigurationError, match="no guardrail is approved for eu-west-1"):
        session.client("bedrock-runtime", region_name="eu-west-1")


def test_package_session_without_configuration_raises(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUARDEDBEDROCK_CONFIG", str(tmp_path / "nowhere.toml"))

    with pytest.raises(ConfigurationError, match="cannot be read"):
        guardedbedrock.Session()


def test_wrapped_client_is_guarded_for_every_reference(make: Callable[..., Any], fake: FakeBedrock) -> None:
    client = make(SESSION.client)
    converse, presign, send = client.converse, client.generate_presigned_url, client._make_api_call
    kind = type(client)

    assert guard().wrap(client) is client

    converse(**ask("converse"))
    assert is_guarded(client, fake)
    assert guardrails(fake) == [(HR.arn, HR.version)] * 2
    with pytest.raises(GuardrailTamperedError):
        send("Converse", ask("converse"))
    with pytest.raises(GuardrailTamperedError):
        presign("invoke_model", ask("invoke_model"))
    assert (type(client).__name__, type(client).__module__, type(client).__doc__) == (
        kind.__name__,
        kind.__module__,
        kind.__doc__,
    )
    assert isinstance(client, kind)
    assert isinstance(client, BaseClient)


def test_wrapping_twice_wraps_once(make: Callable[..., Any], fake: FakeBedrock) -> None:
    one, client = guard(), make(SESSION.client)
    one.wrap(client)
    kind, session = type(client), client._endpoint.http_session

    one.wrap(one.wrap(client))

    assert type(client) is kind
    assert kind.__mro__.count(GuardedClient) == 1
    assert client._endpoint.http_session is session
    assert is_guarded(client, fake)


def test_client_wrapped_twice_uses_the_last_guard(make: Callable[..., Any], fake: FakeBedrock) -> None:
    client = guard().wrap(make(SESSION.client))

    guard(guardrails=[PUBLIC]).wrap(client).converse(**ask("converse"))
    guard(mode="off").wrap(client).converse(**ask("converse", model=DENIED_MODEL))
    guard().wrap(client)

    assert guardrails(fake) == [(PUBLIC.arn, PUBLIC.version), None]
    assert is_guarded(client, fake)


@pytest.mark.parametrize("before", [None, guard(guardrails=[PUBLIC])], ids=["plain", "guarded"])
@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"guardrails": [guardedbedrock.Guardrail(HR.arn.replace("us-east-1", "eu-west-1"), "1")]}, "no guardrail is approved"),
        ({"principal": "caller"}, "STS cannot tell who owns it"),
    ],
    ids=["region", "bearer"],
)
def test_client_that_cannot_be_guarded_is_unchanged(
    make: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, before: Guard | None, options: dict[str, Any], why: str
) -> None:
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", "bedrock-api-key-abc")
    client = make(SESSION.client)
    if before:
        before.wrap(client)
    kind, attributes = type(client), dict(vars(client))

    with pytest.raises(ConfigurationError, match=why):
        guard(**options).wrap(client)

    assert type(client) is kind
    assert vars(client) == attributes


@pytest.mark.parametrize("thing", [None, object(), SESSION, boto3.client])
def test_wrap_rejects_other_objects(thing: Any) -> None:
    with pytest.raises(ConfigurationError, match="pass a client of boto3 or aiobotocore"):
        guard().wrap(thing)


@pytest.mark.parametrize("proxy", [wrapt.ObjectProxy, Mock], ids=["wrapt", "mock"])
def test_wrap_rejects_a_proxy_of_a_client(make: Callable[..., Any], proxy: Callable[..., Any]) -> None:
    """Its class is not the client's, although `isinstance` says so."""
    client = make(SESSION.client)
    around = proxy(client)

    with pytest.raises(ConfigurationError, match="around a client: pass the client itself"):
        guard().wrap(around)

    assert not isinstance(client, Guarded)


def test_wrap_rejects_a_client_of_another_service(make: Callable[..., Any]) -> None:
    client = make(SESSION.client, "sts")

    with pytest.raises(ConfigurationError, match="cannot guard a client of `sts`"):
        guard().wrap(client)

    assert not isinstance(client, Guarded)


def test_wrapped_client_keeps_the_retries_of_botocore(make: Callable[..., Any]) -> None:
    many = RetryPolicy(attempts=7)

    assert guard(retry=many).wrap(make(SESSION.client))._guardedbedrock.retry == ONE_ATTEMPT
    assert guard(retry=many).wrap(make(guard().client))._guardedbedrock.retry == many


def test_install_guards_every_way_to_create_a_client(make: Callable[..., Any], fake: FakeBedrock) -> None:
    class Derived(boto3.Session):  # type: ignore[misc]  # boto3 has no types
        """A derived class, as in frameworks."""

        def client(self, *args: Any, **options: Any) -> Any:
            return super().client(*args, **options)

    with guard().install():
        ways = (captured_early, boto3.client, SESSION.client, boto3.Session().client, Derived().client)
        for create in (*ways, botocore.session.get_session().create_client):
            client = make(create)
            assert is_guarded(client, fake)
            assert type(client).__mro__.count(GuardedClient) == 1
            assert client._guardedbedrock.retry == ONE_ATTEMPT
        assert not isinstance(make(boto3.client, "sts"), Guarded)
        assert isinstance(make(boto3.client, "bedrock"), Guarded)
        assert isinstance(make(partial(SESSION.client, config=Config(max_pool_connections=2))), Guarded)

    assert not isinstance(make(boto3.client), Guarded)
    assert is_guarded(client, fake)


def test_installed_guard_creates_no_client_in_a_region_without_a_guardrail() -> None:
    with guard().install(), pytest.raises(ConfigurationError, match="no guardrail is approved for eu-west-1"):
        boto3.client("bedrock-runtime", region_name="eu-west-1")


def test_second_install_does_nothing(make: Callable[..., Any]) -> None:
    one = guard()
    with one.install():
        first = botocore.session.Session.create_client
        with one.install():
            assert botocore.session.Session.create_client is first
        assert isinstance(make(boto3.client), Guarded)
    one.uninstall()
    one.uninstall()

    assert not isinstance(make(boto3.client), Guarded)


def test_most_recently_installed_guard_applies(make: Callable[..., Any]) -> None:
    hr, public = guard(), guard(guardrails=[PUBLIC])

    def ruling() -> Any:
        client = make(boto3.client)
        assert type(client).__mro__.count(GuardedClient) == 1
        return client._guardedbedrock.rules.approved

    hr.install()
    with public.install():
        assert ruling() == (PUBLIC,)
    assert ruling() == (HR,)
    public.install()
    hr.uninstall()
    assert ruling() == (PUBLIC,)
    public.uninstall()
    assert not isinstance(make(boto3.client), Guarded)


@pytest.mark.parametrize("first", ["install", "session", "made while installed"])
def test_guard_of_highest_precedence_applies_once(make: Callable[..., Any], fake: FakeBedrock, first: str) -> None:
    session = boto3.Session()
    installed, nearer, nearest = guard(), guard(guardrails=[PUBLIC]), guard(guardrails=[HR, PUBLIC])
    if first == "session":
        nearer.session(session)
    with installed.install():
        session = boto3.Session() if first == "made while installed" else session
        nearer.session(session)
        of_the_session, of_a_guard = make(session.client), make(nearest.client)
        wrapped = nearest.wrap(make(boto3.client))
        for client, approved in ((of_the_session, (PUBLIC,)), (of_a_guard, (HR, PUBLIC)), (wrapped, (HR, PUBLIC))):
            assert client._guardedbedrock.rules.approved == approved
            assert type(client).__mro__.count(GuardedClient) == 1
            client.converse(**ask("converse"))

    assert guardrails(fake) == [(PUBLIC.arn, PUBLIC.version), (HR.arn, HR.version), (HR.arn, HR.version)]


def sign() -> AWSRequest:
    """Sign a request as a client other than boto3's does."""
    request = AWSRequest("POST", f"https://bedrock-runtime.us-east-1.amazonaws.com/model/{MODEL}/invoke", data=b"{}")
    SigV4Auth(Credentials("a", "b"), "bedrock", "us-east-1").add_auth(request)
    return request


def carries(request: AWSRequest) -> bool:
    """Return whether a request was given the guardrail."""
    return bool(request.headers.get("X-Amzn-Bedrock-GuardrailIdentifier") == HR.arn)


def test_strict_install_checks_requests_of_other_clients(make: Callable[..., Any], fake: FakeBedrock) -> None:
    before = make(SESSION.client)
    with guard().install(strict=True):
        assert carries(sign())
        with pytest.raises(GuardrailTamperedError):
            before.converse(**ask("converse"))
        assert is_guarded(make(SESSION.client), fake)

    assert not carries(sign())
    before.converse(**ask("converse"))
    assert guardrails(fake) == [(HR.arn, HR.version), None]


def test_strict_check_ends_with_its_installation(make: Callable[..., Any]) -> None:
    one = guard()
    with one.install():
        assert not carries(sign())
        with one.install(strict=True), one.install(strict=True), one.install():
            assert carries(sign())
        assert not carries(sign())
        assert isinstance(make(boto3.client), Guarded)
        one.install(strict=True)
    assert not carries(sign())


def test_install_warns_of_unguarded_clients(make: Callable[..., Any]) -> None:
    held = [make(SESSION.client, region_name=region) for region in ("il-central-1", "mx-central-1")]
    held += [make(SESSION.client, "bedrock", region_name="af-south-1"), make(SESSION.client, "sts", region_name="af-south-1")]
    lost = boto3.client("bedrock-runtime", region_name="ap-south-1")
    lost.itself = lost
    lost.close()
    del lost
    guard(mode="report").wrap(held[1])

    with pytest.warns(UnguardedClientWarning, match=r"pass each to guard\.wrap\(client\)") as warned, guard().install():
        pass

    said = str(warned[0].message)
    assert (len(warned), warned[0].filename) == (1, __file__)
    assert "bedrock in af-south-1" in said
    assert "bedrock-runtime in il-central-1" in said
    assert [region for region in ("mx-central-1", "ap-south-1", "sts") if region in said] == []


def test_install_without_unguarded_clients_does_not_warn() -> None:
    program = f"""
from guardedbedrock import Guard, Guardrail
import boto3
boto3.client("sts", region_name="us-east-1")
with Guard(guardrails=[Guardrail("{HR.arn}", "{HR.version}")]).install():
    boto3.client("bedrock-runtime", region_name="us-east-1")
"""
    ran = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, timeout=120, check=False)  # noqa: S603

    assert (ran.returncode, ran.stderr) == (0, "")


def test_warning_that_raises_leaves_nothing_installed(make: Callable[..., Any]) -> None:
    held = make(SESSION.client)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UnguardedClientWarning):
            guard().install()

    assert not isinstance(held, Guarded)
    assert not isinstance(make(SESSION.client), Guarded)


def test_wrapper_of_another_library_survives_install_and_uninstall(make: Callable[..., Any], fake: FakeBedrock) -> None:
    seen = []

    def traced(self: Any, *args: Any, **options: Any) -> Any:
        seen.append(args[0])
        return inner(self, *args, **options)

    one = guard()
    one.install()
    inner = botocore.session.Session.create_client
    botocore.session.Session.create_client = traced
    assert is_guarded(make(boto3.client), fake)
    one.uninstall()
    assert not isinstance(make(boto3.client), Guarded)
    one.install()
    assert is_guarded(make(boto3.client), fake)
    one.uninstall()
    assert botocore.session.Session.create_client is traced
    botocore.session.Session.create_client = PLAIN

    assert seen == ["bedrock-runtime"] * 3


def test_framework_that_replaces_boto3_client_gets_guarded_clients() -> None:
    program = """
import boto3
from guardedbedrock import Guard, Guardrail
from guardedbedrock.aws.client.mixin import Guarded
guard = Guard(guardrails=[Guardrail("{arn}", "{version}")])
{first}
{then}
here = {{"region_name": "us-east-1"}}
made = boto3.client("bedrock-runtime", **here), boto3.Session().client("bedrock-runtime", **here)
print(all(isinstance(client, Guarded) for client in made), boto3.client.__module__)
"""
    lines = ("import langchain_aws", "guard.install()")
    for first, then in (lines, lines[::-1]):
        source = program.format(arn=HR.arn, version=HR.version, first=first, then=then)
        ran = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, timeout=120, check=False)  # noqa: S603
        assert ran.stdout.split()[:1] == ["True"], ran.stderr


BROKEN: Final[dict[str, Callable[[], Any]]] = {
    "client": lambda: guard().client("bedrock-runtime", region_name="us-east-1"),
    "session": lambda: guard().session(boto3.Session()).client("bedrock-runtime", region_name="us-east-1"),
    "botocore session": lambda: (
        guard().session(botocore.session.get_session()).create_client("bedrock-runtime", region_name="us-east-1")
    ),
}


@pytest.mark.parametrize("way", BROKEN.values(), ids=BROKEN)
def test_client_that_the_event_did_not_reach_is_not_created(monkeypatch: pytest.MonkeyPatch, way: Callable[[], Any]) -> None:
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    monkeypatch.setattr(sessions, "EVENTS", ("no-such-event.bedrock-runtime",))

    with pytest.raises(ConfigurationError, match="creating-client-class did not reach guardedbedrock"):
        way()


def test_installed_guard_creates_no_client_that_the_event_did_not_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("guardedbedrock.aws.creation.install.EVENTS", ())
    monkeypatch.setattr("guardedbedrock.aws.creation.install._BUILTIN", ())

    with guard().install(), pytest.raises(ConfigurationError, match="creating-client-class did not reach guardedbedrock"):
        boto3.Session().client("bedrock-runtime", region_name="us-east-1")


def test_session_with_an_unregistered_handler_creates_no_client() -> None:
    session = guard().session(boto3.Session())
    for event in sessions.EVENTS:
        session.events.unregister(event, unique_id=f"{sessions._HANDLER_ID}.{event}")

    with pytest.raises(ConfigurationError, match="look for code that unregisters its handler"):
        session.client("bedrock-runtime", region_name="us-east-1")


def test_unapproved_guardrail_is_refused_for_every_way_to_a_client(make: Callable[..., Any], fake: FakeBedrock) -> None:
    client = guard().wrap(make(SESSION.client))

    with pytest.raises(GuardrailNotApprovedError):
        client.converse(**ask("converse"), guardrailConfig=WEAK)

    assert guardrails(fake) == []
    assert MODEL not in str(fake.requests)


def bound_method() -> Callable[..., Any]:
    return boto3.Session()._session.create_client  # type: ignore[no-any-return]


def bound_partial() -> Callable[..., Any]:
    return partial(boto3.Session()._session.create_client, "bedrock-runtime")


def bound_boto3_method() -> Callable[..., Any]:
    return boto3.Session().client  # type: ignore[no-any-return]


@pytest.mark.parametrize("bind", [bound_method, bound_partial, bound_boto3_method])
def test_method_that_was_bound_before_install_creates_guarded_clients(
    fake: FakeBedrock, bind: Callable[[], Callable[..., Any]]
) -> None:
    create = bind()
    name = () if isinstance(create, partial) else ("bedrock-runtime",)

    with guard().install():
        client = create(*name, **fake.client_kwargs())
        client.converse(**ask("converse"))
    after = create(*name, **fake.client_kwargs())

    assert isinstance(client, Guarded)
    assert not isinstance(after, Guarded)
    assert guardrails(fake) == [(HR.arn, HR.version)]
    after.close()
    closing: Any = client
    closing.close()
