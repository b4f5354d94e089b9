"""Service models that were copied under another name, or to which operations were added."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import boto3
import pytest
from botocore.client import BaseClient
from harness.bypass import GUARDED, METHODS, try_all, unguarded
from harness.clients import DENIED_MODEL, HR, MODEL, ROLE, WEAK, ask
from harness.service_models import control_plane_with_inference, load_model

from guardedbedrock import ConfigurationError, Guard, GuardrailNotApprovedError, GuardrailTamperedError, client, iam
from guardedbedrock.aws.client.mixin import Guarded

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from harness.clients import Harness, Make

COPY: Final = "bedrock-runtime-beta"

NOTHING: Final = iam.PolicySet(
    identity=[{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}]
)


METADATA: Final[dict[str, dict[str, str]]] = {
    "same metadata": {},
    "another service ID": {"serviceId": "Bedrock Runtime Beta"},
    "another endpoint prefix": {"endpointPrefix": "bedrock-runtime-beta"},
}


def by_client(env: Harness) -> Any:
    return env.guard.client(COPY, **env.fake.client_kwargs())


def by_session(env: Harness) -> Any:
    return env.guard.session(boto3.Session()).client(COPY, **env.fake.client_kwargs())


def by_wrap(env: Harness) -> Any:
    return env.guard.wrap(boto3.client(COPY, **env.fake.client_kwargs()))


def by_install(env: Harness) -> Any:
    with env.guard.install():
        return boto3.client(COPY, **env.fake.client_kwargs())


def by_strict_install(env: Harness) -> Any:
    with env.guard.install(strict=True):
        return boto3.client(COPY, **env.fake.client_kwargs())


WAYS: Final = (by_client, by_session, by_wrap, by_install, by_strict_install)


@pytest.mark.filterwarnings("ignore::guardedbedrock.UnguardedClientWarning")
@pytest.mark.parametrize("metadata", METADATA.values(), ids=METADATA)
@pytest.mark.parametrize("way", WAYS)
def test_client_of_a_copied_model_is_guarded(
    harness: Make, write_model: Any, way: Callable[[Harness], Any], metadata: dict[str, str]
) -> None:
    write_model(COPY, load_model("bedrock-runtime"), **metadata)
    env = harness()
    copied = way(env)

    assert issubclass(type(copied), Guarded)
    assert try_all(env._replace(client=copied)) == 0
    for params in (ask("converse", model=DENIED_MODEL), {**ask("converse"), "guardrailConfig": WEAK}):
        with pytest.raises(copied.exceptions.AccessDeniedException):
            copied.converse(**params)
    with pytest.raises(GuardrailTamperedError):
        BaseClient._make_api_call(copied, "Converse", GUARDED)

    assert [request.guardrail for request in env.fake.requests] == [(HR.arn, HR.version)] * len(METHODS)
    assert unguarded(env.fake) == []
    copied.close()


def test_copied_model_in_a_region_without_a_guardrail_creates_no_client(harness: Make, write_model: Any) -> None:
    write_model(COPY, load_model("bedrock-runtime"))
    env = harness()

    with pytest.raises(ConfigurationError, match="no guardrail is approved for eu-west-1"):
        env.guard.client(COPY, **{**env.fake.client_kwargs(), "region_name": "eu-west-1"})

    assert unguarded(env.fake) == []


def test_entry_point_guards_a_client_of_a_copied_model(
    harness: Make, write_model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_model(COPY, load_model("bedrock-runtime"))
    env = harness()
    path = tmp_path / "guardedbedrock.toml"
    path.write_text(f'[[guardrails]]\narn = "{HR.arn}"\nversion = "{HR.version}"\n', "utf-8")
    monkeypatch.setenv("GUARDEDBEDROCK_CONFIG", str(path))

    copied = client(COPY, **env.fake.client_kwargs())
    copied.converse(**ask("converse"))
    with pytest.raises(GuardrailNotApprovedError):
        copied.converse(**ask("converse"), guardrailConfig=WEAK)

    assert env.arrived == [("Converse", MODEL, (HR.arn, HR.version))]
    assert unguarded(env.fake) == []
    copied.close()


@pytest.mark.parametrize("given", ["nothing", "approved", "unapproved"])
@pytest.mark.parametrize("method", METHODS)
def test_inference_operation_that_was_added_to_the_control_plane_is_refused(
    harness: Make, write_model: Any, method: str, given: str
) -> None:
    write_model("bedrock", control_plane_with_inference())
    env = harness()
    named = {"nothing": {}, "approved": GUARDED["guardrailConfig"], "unapproved": WEAK}[given]
    params = ask(method)
    if named:
        params |= {"guardrailConfig": named} if method.startswith("converse") else named
    control = env.guard.client("bedrock", **env.fake.client_kwargs())

    with pytest.raises(GuardrailTamperedError, match="reaches a model by an operation without a guardrail location"):
        getattr(control, method)(**params)

    assert unguarded(env.fake) == []
    assert env.fake.requests == []
    control.close()


def test_added_inference_operation_is_refused_without_policies(harness: Make, write_model: Any) -> None:
    write_model("bedrock", control_plane_with_inference())
    env = harness(policies=None)
    control = env.guard.client("bedrock", **env.fake.client_kwargs())

    with pytest.raises(GuardrailTamperedError):
        control.converse(**ask("converse"))

    assert unguarded(env.fake) == []
    assert env.fake.requests == []
    control.close()


def test_copied_control_plane_is_checked_against_policies(harness: Make, write_model: Any) -> None:
    write_model("bedrock-beta", load_model("bedrock"))
    env = harness()
    guard = Guard(guardrails=[HR], policies=NOTHING, principal=ROLE, listeners=())
    control = guard.client("bedrock-beta", **env.fake.client_kwargs())

    with pytest.raises(control.exceptions.AccessDeniedException, match="bedrock:ListGuardrails"):
        control.list_guardrails()

    assert unguarded(env.fake) == []
    assert env.fake.requests == []
    control.close()


@pytest.mark.parametrize("method", ["converse", "converse_stream"])
def test_strict_install_refuses_what_a_model_with_all_names_changed_signs(harness: Make, write_model: Any, method: str) -> None:
    """Such a model is that of another service, so its clients are not guarded. The signer shows where the request goes."""
    write_model("other", load_model("bedrock-runtime"), serviceId="Other", endpointPrefix="other")
    env = harness()

    with env.guard.install(strict=True):
        other = boto3.client("other", **env.fake.client_kwargs())
        with pytest.raises(GuardrailTamperedError, match="has no guardrail"):
            getattr(other, method)(**ask(method))
        other.close()

    assert not isinstance(other, Guarded)
    assert unguarded(env.fake) == []
    assert env.fake.requests == []
