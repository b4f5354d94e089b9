"""Every way to a client: sessions, clients that exist already, and whatever makes one while a guard is installed."""

from __future__ import annotations

import inspect
import subprocess
import sys
import warnings
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import boto3
import botocore.session
import pytest
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
from guardedbedrock.aws.client import session as sessions
from guardedbedrock.aws.client.mixin import Guarded, GuardedClient
from guardedbedrock.stages.retry.policy import ONE_ATTEMPT, RetryPolicy
from guardedbedrock.testing import FakeBedrock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.filterwarnings("ignore::guardedbedrock.UnguardedClientWarning")  # other tests have clients too
PLAIN: Final = botocore.session.Session.create_client
SESSION: Final = boto3.Session()
"""A session that was there before any guard."""


@pytest.fixture(autouse=True)
def nothing_installed() -> Iterator[None]:
    """Leave botocore as it was."""
    before = tuple(handlers.BUILTIN_HANDLERS)
    yield
    left = botocore.session.Session.create_client, tuple(handlers.BUILTIN_HANDLERS)
    botocore.session.Session.create_client = PLAIN
    assert left == (PLAIN, before)


@pytest.fixture(name="fake")
def make_fake() -> Iterator[FakeBedrock]:
    """Serve the guardrails of the rig."""
    with FakeBedrock(guardrails=ON_THE_SERVER) as fake:
        yield fake


@pytest.fixture(name="make")
def maker(fake: FakeBedrock) -> Iterator[Callable[..., Any]]:
    """Make clients that talk to the fake by whatever makes clients, and close them."""
    with ExitStack() as stack:

        def make(create: Callable[..., Any], service: str = "bedrock-runtime", **options: Any) -> Any:
            client = create(service, **{**fake.client_kwargs(), **options})
            stack.callback(client.close)
            return client

        yield make


def guard(**options: Any) -> Guard:
    """Make a guard that tells nobody."""
    return Guard(**{"guardrails": [HR], "policies": POLICIES, "principal": ROLE, "listeners": (), **options})


def guardrails(fake: FakeBedrock) -> list[tuple[str, str] | None]:
    """List the guardrails that arrived, call by call."""
    return [request.guardrail for request in fake.requests]


def is_guarded(client: Any, fake: FakeBedrock) -> bool:
    """Try a client: the guardrail arrives, a denied call does not."""
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
def test_a_session_of_either_library_can_be_guarded(
    make: Callable[..., Any], fake: FakeBedrock, way: Callable[[Guard], Callable[..., Any]]
) -> None:
    """It makes guarded clients from then on, and clients of other services as ever."""
    create = way(guard())

    assert is_guarded(make(create), fake)
    assert not isinstance(make(create, "sts"), Guarded)


@pytest.mark.parametrize("thing", [None, object(), boto3, "a session"])
def test_what_is_no_session_is_refused(thing: Any) -> None:
    """Nothing is guarded in silence that was not."""
    with pytest.raises(ConfigurationError, match="pass a session of boto3, botocore or aiobotocore"):
        guard().session(thing)


def test_a_session_of_the_package_is_a_boto3_session(
    make: Callable[..., Any], fake: FakeBedrock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`guardedbedrock.Session` takes what `boto3.Session` takes, and its configuration from where `client` takes it."""
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


def test_a_session_of_the_package_needs_a_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It fails when it is made, not when it is used."""
    monkeypatch.setenv("GUARDEDBEDROCK_CONFIG", str(tmp_path / "nowhere.toml"))

    with pytest.raises(ConfigurationError, match="cannot be read"):
        guardedbedrock.Session()


def test_a_wrapped_client_is_guarded_for_everybody_who_holds_it(make: Callable[..., Any], fake: FakeBedrock) -> None:
    """A bound method, a paginator's client and a presigned URL that somebody had before go through the guard as well."""
    client = make(SESSION.client)
    converse, presign, send = client.converse, client.generate_presigned_url, client._make_api_call
    kind = type(client)

    assert guard().wrap(client) is client

    converse(**ask("converse"))
    assert is_guarded(client, fake)
    assert guardrails(fake) == [(HR.arn, HR.version)] * 2
    for unguarded in (
        lambda: send("Converse", ask("converse")),
        lambda: presign("invoke_model", ask("invoke_model")),
    ):
        with pytest.raises(GuardrailTamperedError):
            unguarded()
    assert (type(client).__name__, type(client).__module__, type(client).__doc__) == (
        kind.__name__,
        kind.__module__,
        kind.__doc__,
    )
    assert isinstance(client, kind)
    assert isinstance(client, BaseClient)


def test_a_client_is_wrapped_once(make: Callable[..., Any], fake: FakeBedrock) -> None:
    """A second time changes nothing: one pipeline, one gate."""
    one, client = guard(), make(SESSION.client)
    one.wrap(client)
    kind, session = type(client), client._endpoint.http_session

    one.wrap(one.wrap(client))

    assert type(client) is kind
    assert kind.__mro__.count(GuardedClient) == 1
    assert client._endpoint.http_session is session
    assert is_guarded(client, fake)


def test_a_wrapped_client_goes_by_the_guard_that_wrapped_it_last(make: Callable[..., Any], fake: FakeBedrock) -> None:
    """The gate goes along: what the last guard lets pass, passes."""
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
def test_a_client_that_can_not_be_guarded_stays_as_it_was(
    make: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, before: Guard | None, options: dict[str, Any], why: str
) -> None:
    """An error leaves nothing half done."""
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
def test_what_is_no_client_can_not_be_wrapped(thing: Any) -> None:
    """A proxy would be gone round."""
    with pytest.raises(ConfigurationError, match="pass a client of boto3 or aiobotocore"):
        guard().wrap(thing)


def test_a_client_of_another_service_stays_as_it_is(make: Callable[..., Any]) -> None:
    client = make(SESSION.client, "sts")

    with pytest.raises(ConfigurationError, match="cannot guard a client of `sts`"):
        guard().wrap(client)

    assert not isinstance(client, Guarded)


def test_a_wrapped_client_keeps_botocores_retries(make: Callable[..., Any]) -> None:
    """Two loops would multiply; a client that this package made has botocore's set to one attempt, and the guard's go on."""
    many = RetryPolicy(attempts=7)

    assert guard(retry=many).wrap(make(SESSION.client))._guardedbedrock.retry == ONE_ATTEMPT
    assert guard(retry=many).wrap(make(guard().client))._guardedbedrock.retry == many


def test_an_installed_guard_guards_every_way_to_a_client(make: Callable[..., Any], fake: FakeBedrock) -> None:
    """Sessions made before and after, boto3's function captured before, botocore's own, and classes derived from them."""

    class Derived(boto3.Session):
        """Such as frameworks have."""

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


def test_a_region_without_a_guardrail_gets_no_client_while_a_guard_is_installed() -> None:
    """An application learns of it when it makes the client."""
    with guard().install(), pytest.raises(ConfigurationError, match="no guardrail is approved for eu-west-1"):
        boto3.client("bedrock-runtime", region_name="eu-west-1")


def test_installing_twice_is_installing_once(make: Callable[..., Any]) -> None:
    """The second time neither adds nor, at its end, takes anything away."""
    one = guard()
    with one.install():
        first = botocore.session.Session.create_client
        with one.install():
            assert botocore.session.Session.create_client is first
        assert isinstance(make(boto3.client), Guarded)
    one.uninstall()
    one.uninstall()

    assert not isinstance(make(boto3.client), Guarded)


def test_of_several_installed_guards_the_last_one_rules(make: Callable[..., Any]) -> None:
    """They may go in any order; once the last one is gone, the one before it rules again."""
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
def test_the_nearest_guard_rules_and_there_is_one_pipeline(make: Callable[..., Any], fake: FakeBedrock, first: str) -> None:
    """The guard that makes or wraps a client, else that of its session, else the installed one."""
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
    """Sign as a client does that is none of boto3's."""
    request = AWSRequest("POST", f"https://bedrock-runtime.us-east-1.amazonaws.com/model/{MODEL}/invoke", data=b"{}")
    SigV4Auth(Credentials("a", "b"), "bedrock", "us-east-1").add_auth(request)
    return request


def carries(request: AWSRequest) -> bool:
    """Say whether a request was given the guardrail."""
    return request.headers.get("X-Amzn-Bedrock-GuardrailIdentifier") == HR.arn


def test_a_strict_installation_looks_at_other_clients_too(make: Callable[..., Any], fake: FakeBedrock) -> None:
    """What is signed elsewhere gets the guardrail, and a client that was made before can not go out without."""
    before = make(SESSION.client)
    with guard().install(strict=True):
        assert carries(sign())
        with pytest.raises(GuardrailTamperedError):
            before.converse(**ask("converse"))
        assert is_guarded(make(SESSION.client), fake)

    assert not carries(sign())
    before.converse(**ask("converse"))
    assert guardrails(fake) == [(HR.arn, HR.version), None]


def test_strictness_comes_and_goes_with_the_call_that_asked_for_it(make: Callable[..., Any]) -> None:
    """A guard that is installed already becomes strict, and its end is that of the strictness alone."""
    one = guard()
    with one.install():
        assert not carries(sign())
        with one.install(strict=True), one.install(strict=True), one.install():
            assert carries(sign())
        assert not carries(sign())
        assert isinstance(make(boto3.client), Guarded)
        one.install(strict=True)
    assert not carries(sign())


def test_clients_that_were_made_before_are_named_in_a_warning(make: Callable[..., Any]) -> None:
    """The warning says which, and points at the line that installs; what nobody holds any more is not named."""
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


def test_without_clients_there_is_no_warning() -> None:
    """In a process that makes its clients later nothing is said."""
    program = f"""
from guardedbedrock import Guard, Guardrail
import boto3
boto3.client("sts", region_name="us-east-1")
with Guard(guardrails=[Guardrail("{HR.arn}", "{HR.version}")]).install():
    boto3.client("bedrock-runtime", region_name="us-east-1")
"""
    ran = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, timeout=120, check=False)  # noqa: S603

    assert (ran.returncode, ran.stderr) == (0, "")


def test_a_warning_that_is_an_error_leaves_nothing_installed(make: Callable[..., Any]) -> None:
    """Whoever wants no unguarded client gets an error instead of a guard that leaves one out."""
    held = make(SESSION.client)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UnguardedClientWarning):
            guard().install()

    assert not isinstance(held, Guarded)
    assert not isinstance(make(SESSION.client), Guarded)


def test_what_others_put_around_botocores_method_goes_on_to_work(make: Callable[..., Any], fake: FakeBedrock) -> None:
    """Who wraps `create_client` after the guard keeps what it wrapped, and a later guard guards all the same."""
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


def test_a_framework_that_replaces_boto3_client_is_covered() -> None:
    """langchain-aws puts functions of its own in place of `boto3.client` and `Session.client`, before or after us."""
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
def test_an_event_that_does_not_come_is_an_error_and_no_unguarded_client(
    monkeypatch: pytest.MonkeyPatch, way: Callable[[], Any]
) -> None:
    """Were botocore to give the event up, or somebody to unregister the handler, no client would be handed out."""
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    monkeypatch.setattr(sessions, "EVENTS", ("no-such-event.bedrock-runtime",))

    with pytest.raises(ConfigurationError, match="creating-client-class did not reach guardedbedrock"):
        way()


def test_an_event_that_does_not_come_is_an_error_while_a_guard_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """As above, for clients that others make."""
    monkeypatch.setattr("guardedbedrock.aws.client.install.EVENTS", ())
    monkeypatch.setattr("guardedbedrock.aws.client.install._BUILTIN", ())

    with guard().install(), pytest.raises(ConfigurationError, match="creating-client-class did not reach guardedbedrock"):
        boto3.Session().client("bedrock-runtime", region_name="us-east-1")


def test_a_session_whose_handler_was_unregistered_makes_no_unguarded_client() -> None:
    """Whoever clears the events of a session gets an error."""
    session = guard().session(boto3.Session())
    for event in sessions.EVENTS:
        session.events.unregister(event, unique_id=f"{sessions._HANDLER_ID}.{event}")

    with pytest.raises(ConfigurationError, match="look for code that unregisters its handler"):
        session.client("bedrock-runtime", region_name="us-east-1")


def test_a_callers_own_guardrail_is_refused_whichever_way_the_client_came(make: Callable[..., Any], fake: FakeBedrock) -> None:
    """The stages are the same."""
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
    client.close()
    after.close()
