"""The tree of errors: its shape, what catches it, and what survives a pickle."""

from __future__ import annotations

import copy
import gc
import pickle
import subprocess
import sys
import textwrap
import traceback
import weakref
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.exceptions import ClientError, EventStreamError

import guardedbedrock
from guardedbedrock import errors
from guardedbedrock._root import GuardedBedrockError
from guardedbedrock.testing import FakeBedrock, FakeGuardrail

CLASSES = {name: getattr(errors, name) for name in errors.__all__ if isinstance(getattr(errors, name), type)}
FUNCTIONS = {"bind", "fuse"}
DENIALS = [cls for cls in CLASSES.values() if issubclass(cls, errors.AccessDeniedError)]
MESSAGES = [{"role": "user", "content": [{"text": "hello"}]}]
ANSWER = {
    "Error": {"Code": "ResourceNotFoundException", "Message": "Access denied. This Model is marked by provider as Legacy"},
    "ResponseMetadata": {"HTTPStatusCode": 404, "RequestId": "r-1", "RetryAttempts": 0, "HTTPHeaders": {}},
    "message": "Access denied. This Model is marked by provider as Legacy",
}
FIELDS: dict[str, Any] = {
    "message": "User: P is not authorized to perform: A",
    "operation_name": "Converse",
    "principal": "P",
    "action": "A",
    "resource": "R",
    "policy_type": "scp",
    "policy_arn": "arn:aws:organizations::1:policy/x",
    "simulated": True,
    "authorizations": ("one", "two"),
    "hint": "grant `A` on `R`",
}


def make(cls: type[errors.GuardedBedrockError]) -> errors.GuardedBedrockError:
    """Make an error of any class, with every field filled."""
    if issubclass(cls, errors.AccessDeniedError):
        return cls(**FIELDS)
    if issubclass(cls, errors.StreamInterruptedError):
        return cls(message="the connection broke", operation_name="ConverseStream")
    if issubclass(cls, errors.GuardrailInterventionError):
        return cls(operation_name="Converse", response={"stopReason": "guardrail_intervened"}, intervention={"action": "BLOCKED"})
    if issubclass(cls, errors.UnguardedReplyError):
        return cls(operation_name="Converse", response={}, guardrail=("abc123def456", "3"))
    return cls("a problem")


@pytest.fixture(scope="module")
def client() -> Any:
    return new_client()


def new_client() -> Any:
    session = boto3.Session(aws_access_key_id="a", aws_secret_access_key="b", region_name="us-east-1")
    return session.client("bedrock-runtime")


def pickled(error: Any) -> Any:
    return pickle.loads(pickle.dumps(error))  # noqa: S301 - made in the same line


def drawn() -> set[tuple[str, str | None]]:
    """Read (class, parent) out of the tree in the module docstring."""
    path: list[str] = []
    pairs: set[tuple[str, str | None]] = set()
    for line in (errors.__doc__ or "").splitlines():
        name = line.split()[0] if line.startswith("    ") else ""
        if name.endswith("Error"):
            depth = (len(line) - len(line.lstrip()) - 4) // 2
            path[depth:] = [name]
            pairs.add((name, path[depth - 1] if depth else None))
    return pairs


def real() -> set[tuple[str, str | None]]:
    return {
        (name, next((base.__name__ for base in cls.__bases__ if issubclass(base, GuardedBedrockError)), None))
        for name, cls in CLASSES.items()
    }


def test_the_tree_in_the_docstring_has_every_class() -> None:
    """Each class is below its base class."""
    assert real() == drawn()


def test_every_public_error_is_exported_and_named_as_one() -> None:
    """`__all__` is sorted and complete, and the name of every class ends with ``Error``."""
    public = {name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, GuardedBedrockError)}

    assert sorted(errors.__all__) == errors.__all__
    assert public | FUNCTIONS == set(errors.__all__)
    assert all(name.endswith("Error") for name in public)


def test_every_error_has_a_docstring_and_no_positional_field() -> None:
    """Fields that are passed by position could be passed in the wrong order."""
    assert all(cls.__doc__ for cls in CLASSES.values())
    with pytest.raises(TypeError):
        errors.AccessDeniedError("message", "Converse")  # type: ignore[call-arg]


@pytest.mark.parametrize("cls", DENIALS)
def test_a_simulated_denial_looks_like_one_of_aws(cls: type[errors.AccessDeniedError]) -> None:
    """`response`, `operation_name` and the message have the values that botocore would have set."""
    error = cls(message="the sentence", operation_name="Converse")

    assert isinstance(error, ClientError)
    assert str(error) == "An error occurred (AccessDeniedException) when calling the Converse operation: the sentence"
    assert error.response["Error"] == {"Code": "AccessDeniedException", "Message": "the sentence"}
    assert error.response["ResponseMetadata"] == {"HTTPStatusCode": 403, "RetryAttempts": 0, "HTTPHeaders": {}, "RequestId": ""}
    assert (error.operation_name, error.request_id, error.simulated) == ("Converse", "", True)
    assert (error.hint, error.authorizations, hasattr(error, "__notes__")) == (None, (), False)


def test_a_denial_of_aws_stays_as_aws_sent_it() -> None:
    """With a response of AWS, code, status and message are those of AWS."""
    error = errors.ModelAccessError(message="ours", operation_name="Converse", response=ANSWER)

    assert error.response is ANSWER
    assert str(error) == str(ClientError(ANSWER, "Converse"))
    assert (error.request_id, error.simulated) == ("r-1", False)


@pytest.mark.parametrize("cls", CLASSES.values(), ids=CLASSES)
def test_a_traceback_shows_the_name_to_import(cls: type[errors.GuardedBedrockError]) -> None:
    """The name in the traceback can be imported and caught."""
    error = make(cls)
    shown = "".join(traceback.format_exception_only(error)).partition(":")[0]

    assert shown == f"guardedbedrock.{cls.__name__}"
    assert getattr(guardedbedrock, cls.__name__) is cls


def test_the_example_of_the_module_runs(capsys: pytest.CaptureFixture[str]) -> None:
    """The first clause catches an explicit denial, the second one any other denial."""
    lines = (errors.__doc__ or "").split("    import guardedbedrock\n", 1)[1].split("\nCode that", 1)[0]
    program = "import guardedbedrock\n" + textwrap.dedent(lines)
    arn = "arn:aws:bedrock:us-east-1:123456789012:guardrail/abc123def456"
    with FakeBedrock(guardrails=[FakeGuardrail(arn, version="3")]) as fake:
        guard = guardedbedrock.Guard(guardrails=[guardedbedrock.Guardrail(arn, version="3")], listeners=())
        client = guard.client("bedrock-runtime", **fake.client_kwargs())
        for by in ("scp-explicit", "identity-implicit"):
            fake.deny("Converse", by=by)
            names = {"client": client, "model": "anthropic.claude-3-haiku-20240307-v1:0", "messages": MESSAGES}
            exec(program, names)  # noqa: S102  # the example under test
        client.close()
    printed = capsys.readouterr().out

    assert printed.count("not allowed: bedrock:InvokeModel on arn:aws:bedrock:us-east-1::foundation-model/") == 1
    assert printed.count("\nfix: ") == 1


def test_a_traceback_shows_the_hint_and_the_message_does_not() -> None:
    """Programs that compare the message see no difference."""
    error = errors.ImplicitDenyError(**FIELDS)

    assert FIELDS["hint"] not in str(error)
    assert traceback.format_exception(error)[-1].strip() == FIELDS["hint"]


def test_an_interrupted_stream_is_botocores_event_stream_error_too() -> None:
    """Code that catches botocore's error of a stream catches this error."""
    event = {"Error": {"Code": "throttlingException", "Message": "slow down"}, "ResponseMetadata": {"HTTPStatusCode": 400}}
    sent = errors.StreamInterruptedError(message="slow down", operation_name="ConverseStream", response=event)
    broken = errors.StreamInterruptedError(message="the connection broke", operation_name="ConverseStream")

    assert isinstance(sent, EventStreamError)
    assert (sent.response, str(sent)) == (event, str(EventStreamError(event, "ConverseStream")))
    assert broken.response["Error"] == {"Code": "StreamInterrupted", "Message": "the connection broke"}


def test_an_intervention_quotes_nothing_of_the_conversation() -> None:
    """The findings contain parts of the conversation, which do not belong into a log."""
    error = errors.GuardrailInterventionError(operation_name="Converse", response={}, intervention="the secret")

    assert str(error) == "a guardrail intervened when calling the Converse operation"
    assert (error.intervention, error.response, error.request_id) == ("the secret", {}, "")


@pytest.mark.parametrize("cls", DENIALS)
def test_a_bound_denial_is_caught_by_four_classes(cls: type[errors.AccessDeniedError], client: Any) -> None:
    """They are the client's class, `ClientError`, the class of this package, and its base class. The name does not change."""
    modeled = client.exceptions.AccessDeniedException
    error = errors.bind(make(cls), modeled)

    for caught in (modeled, ClientError, cls, GuardedBedrockError):
        with pytest.raises(caught) as info:
            raise error
        assert info.value is error
    assert (type(error).__name__, type(error).__qualname__) == (cls.__name__, cls.__qualname__)
    assert (type(error).__module__, type(error).__doc__) == ("guardedbedrock", cls.__doc__)
    assert type(error).__mro__.index(cls) < type(error).__mro__.index(modeled)


def test_an_error_under_another_code_is_caught_by_that_class_too(client: Any) -> None:
    """A legacy model answers with ResourceNotFoundException: code that catches it keeps working."""
    error = errors.ModelAccessError(message="m", operation_name="Converse", response=ANSWER)
    errors.bind(error, client.exceptions.ResourceNotFoundException, client.exceptions.AccessDeniedException)

    assert isinstance(error, client.exceptions.ResourceNotFoundException)
    assert isinstance(error, client.exceptions.AccessDeniedException)
    assert type(pickled(error)) is errors.ModelAccessError


def test_a_class_is_fused_once(client: Any) -> None:
    """Two denials of one client have the same class; a client of another session has another class."""
    modeled, other = client.exceptions.AccessDeniedException, new_client().exceptions.AccessDeniedException
    fused = errors.fuse(errors.ImplicitDenyError, modeled)

    assert errors.fuse(errors.ImplicitDenyError, modeled) is fused
    assert errors.fuse(fused, modeled) is fused
    assert errors.fuse(errors.ImplicitDenyError, other) is not fused
    assert errors.fuse(errors.ExplicitDenyError, modeled) is not fused
    assert not issubclass(fused, other)


def test_a_fused_class_has_the_name_of_the_package_class(client: Any) -> None:
    """Logs and tracebacks name the class and its module."""

    class LocalError(errors.RefusedError):
        pass

    fused = errors.fuse(LocalError, client.exceptions.AccessDeniedException)

    assert (fused.__name__, fused.__qualname__, fused.__module__) == (LocalError.__name__, LocalError.__qualname__, __name__)


def test_a_code_that_is_not_modeled_needs_no_fusing() -> None:
    """For an unknown code botocore raises a plain ClientError, which is a base class of the error already."""
    assert errors.fuse(errors.AccessDeniedError, ClientError) is errors.AccessDeniedError


def test_a_garbage_collected_session_frees_its_classes() -> None:
    """Neither the cache nor a copy of an error keeps the classes of a client alive."""
    client = new_client()
    modeled = weakref.ref(client.exceptions.AccessDeniedException)
    kept = copy.copy(errors.bind(errors.ImplicitDenyError(**FIELDS), client.exceptions.AccessDeniedException))

    del client
    for _ in range(5):
        gc.collect()

    assert modeled() is None
    assert type(kept) is errors.ImplicitDenyError


def test_an_error_keeps_no_client_alive() -> None:
    """Storing a denial leaks no connection."""
    client = new_client()
    error = errors.bind(errors.ImplicitDenyError(**FIELDS), client.exceptions.AccessDeniedException)
    alive = weakref.ref(client)

    del client
    for _ in range(5):
        gc.collect()

    assert alive() is None
    assert error.action == "A"


@pytest.mark.parametrize("modeled", [(), ("AccessDeniedException",)], ids=["plain", "bound"])
@pytest.mark.parametrize("copied", [pickled, copy.copy, copy.deepcopy])
@pytest.mark.parametrize("cls", CLASSES.values(), ids=CLASSES)
def test_a_copy_has_the_class_of_the_module_and_every_field(cls: Any, copied: Any, client: Any, modeled: tuple[str, ...]) -> None:
    """The same holds for pickles, with and without classes of a client."""
    error = make(cls)
    if issubclass(cls, ClientError):
        errors.bind(error, *(getattr(client.exceptions, name) for name in modeled))

    twin = copied(error)

    assert type(twin) is cls
    assert (str(error), error.args, vars(error)) == (str(twin), twin.args, vars(twin))


def test_a_copy_has_its_own_notes() -> None:
    """A note that is added to the copy is not added to the original."""
    error = errors.ImplicitDenyError(**FIELDS)
    error.add_note("first")
    twin = copy.copy(error)
    twin.add_note("second")

    assert error.__notes__ == [FIELDS["hint"], "first"]
    assert twin.__notes__ == [FIELDS["hint"], "first", "second"]


def test_a_pickle_can_be_read_in_a_process_without_a_client(client: Any) -> None:
    """A worker process sends a denial to a parent that never created a client."""
    error = errors.bind(errors.ExplicitDenyError(**FIELDS), client.exceptions.AccessDeniedException)
    code = "import pickle, sys; e = pickle.load(sys.stdin.buffer); print(type(e).__name__, e.policy_type, e.hint)"

    run = subprocess.run(  # noqa: S603 - our own interpreter, our own line
        [sys.executable, "-c", code], input=pickle.dumps(error), capture_output=True, check=True
    )

    assert run.stdout.decode().strip() == "ExplicitDenyError scp grant `A` on `R`"


def test_a_subclass_of_an_application_can_be_pickled() -> None:
    """Its constructor may have other arguments."""
    twin = pickled(Custom(ticket="T-1"))

    assert (type(twin), twin.ticket, twin.message) == (Custom, "T-1", "m")


class Custom(errors.PreflightUnavailableError):
    """An error with another constructor."""

    def __init__(self, *, ticket: str) -> None:
        super().__init__(message="m", operation_name="Converse")
        self.ticket = ticket


def test_every_modeled_error_of_the_service_can_be_fused() -> None:
    """No class of the installed service model conflicts with a class of this package."""
    service = botocore.session.get_session().get_service_model("bedrock-runtime")
    exceptions = new_client().exceptions

    for shape in service.error_shapes:
        assert issubclass(errors.fuse(errors.ModelAccessError, getattr(exceptions, shape.name)), errors.ModelAccessError)
