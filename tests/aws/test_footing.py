"""The attributes of botocore that the guard uses: if one is missing, no client is created."""

from __future__ import annotations

import sys
import tomllib
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import boto3
import botocore
import botocore.session
import pytest
from botocore import handlers
from botocore.client import BaseClient
from harness.clients import HR

from guardedbedrock import ConfigurationError, Guard
from guardedbedrock.aws import botocore_contract as footing

if TYPE_CHECKING:
    from collections.abc import Callable

HERE: Final = {"region_name": "us-east-1", "aws_access_key_id": "a", "aws_secret_access_key": "b"}
ROOT: Final = Path(__file__).parents[2]
pytestmark = pytest.mark.filterwarnings("ignore::guardedbedrock.UnguardedClientWarning")  # other tests have clients too

WAYS: Final[dict[str, Callable[[Guard], Any]]] = {
    "client": lambda guard: guard.client("bedrock-runtime", **HERE),
    "session": lambda guard: guard.session(boto3.Session()).client("bedrock-runtime", **HERE),
}


def guard() -> Guard:
    """Create a guard without listeners."""
    return Guard(guardrails=[HR], listeners=())


OLD: Final = ("1.42.96", "1.34.100", "1.9.999", "0.1", "1.42.96.dev1")


@pytest.mark.parametrize("version", OLD)
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_an_old_botocore_is_a_configuration_error_that_names_both_versions(
    monkeypatch: pytest.MonkeyPatch, way: Callable[[Guard], Any], version: str
) -> None:
    monkeypatch.setattr(botocore, "__version__", version)

    with pytest.raises(ConfigurationError, match=rf"^botocore {version} is installed, and .* needs botocore 1\.42\.97 or later"):
        way(guard())


@pytest.mark.parametrize("version", ["3.9.9", "2.13.0", "1.4.2"])
def test_an_old_aiobotocore_is_a_configuration_error_that_names_both_versions(
    monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    for name in [name for name in sys.modules if name.startswith("guardedbedrock.aws.aio")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(metadata, "version", {"aiobotocore": version}.__getitem__)

    with pytest.raises(
        ConfigurationError, match=rf"^aiobotocore {version} is installed, and .* needs aiobotocore 3\.10 or later"
    ):
        guard().async_client("bedrock-runtime", **HERE)


@pytest.mark.parametrize("version", ["1.42.97", "1.43.0", "2.0", "1.100.1"])
def test_a_botocore_at_or_above_the_floor_is_accepted(version: str) -> None:
    footing.check_version("botocore", version)


def test_the_floors_are_those_of_the_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    required = [*project["dependencies"], *project["optional-dependencies"]["aio"]]

    assert all(f"{package}>={floor}" in required for package, floor in footing.FLOORS.items())


class Hiding:
    """A proxy of an object that hides one of its attributes."""

    def __init__(self, real: Any, name: str) -> None:
        self._real, self._name = real, name

    def __getattr__(self, name: str) -> Any:
        if name == self._name:
            raise AttributeError(name)
        return getattr(self._real, name)


def break_off(client: Any, path: str) -> None:
    """Remove the attribute at a dotted path, as if botocore had renamed it."""
    *holders, last = path.split(".")
    if not holders:
        vars(client).pop(last, None)
        if last in vars(type(client)):
            delattr(type(client), last)
        return
    holder = client
    for name in holders[:-1]:
        holder = getattr(holder, name)
    setattr(holder, holders[-1], Hiding(getattr(holder, holders[-1]), last))


OWN: Final = tuple(path for path in footing.CLIENT_ATTRIBUTES if path not in {"_get_credentials", "_PY_TO_OP_NAME"})
"""Attributes of an instance; the other two are attributes of the classes."""


@pytest.mark.parametrize("path", OWN)
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_client_creation_names_a_missing_botocore_attribute(
    monkeypatch: pytest.MonkeyPatch, way: Callable[[Guard], Any], path: str
) -> None:
    made = BaseClient.__init__

    def other_botocore(self: Any, *args: Any, **options: Any) -> None:
        made(self, *args, **options)
        break_off(self, path)

    monkeypatch.setattr(BaseClient, "__init__", other_botocore)

    with pytest.raises(ConfigurationError, match=rf"botocore {metadata.version('botocore')} has no `{path}`.*install botocore"):
        way(guard())


@pytest.mark.parametrize("path", [path for path in OWN if path != "meta.service_model"])  # wrap() identifies a client by it
def test_wrap_names_a_missing_botocore_attribute_and_changes_nothing(path: str) -> None:
    client = boto3.client("bedrock-runtime", **HERE)
    kind = type(client)
    break_off(client, path)

    with pytest.raises(ConfigurationError, match=f"has no `{path}`"):
        guard().wrap(client)

    assert type(client) is kind
    assert "_guardedbedrock" not in vars(client)


BASES: Final = ("_make_api_call", "_get_credentials", "_PY_TO_OP_NAME")


@pytest.mark.parametrize("name", BASES)
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_client_creation_names_a_missing_base_class_attribute(
    monkeypatch: pytest.MonkeyPatch, way: Callable[[Guard], Any], name: str
) -> None:
    monkeypatch.delattr(BaseClient, name)
    made = BaseClient.__init__

    def other_botocore(self: Any, *args: Any, **options: Any) -> None:
        made(self, *args, **options)
        if name in vars(type(self)):
            delattr(type(self), name)

    monkeypatch.setattr(BaseClient, "__init__", other_botocore)

    with pytest.raises(ConfigurationError, match=f"has no `{name}`"):
        way(guard())


def test_client_without_its_own_presign_method_is_not_created(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = [each for each in handlers.BUILTIN_HANDLERS if each[1] is not handlers.add_generate_presigned_url]
    monkeypatch.setattr(handlers, "BUILTIN_HANDLERS", kept)
    monkeypatch.setattr("botocore.session.handlers.BUILTIN_HANDLERS", kept)

    with pytest.raises(ConfigurationError, match="has no `generate_presigned_url`"):
        guard().session(boto3.Session()).client("bedrock-runtime", **HERE)


@pytest.mark.parametrize(
    ("holder", "name"),
    [(botocore.session.Session, "create_client"), (botocore.session.Session, "get_component"), (handlers, "BUILTIN_HANDLERS")],
)
def test_install_names_a_missing_botocore_attribute_and_patches_nothing(
    monkeypatch: pytest.MonkeyPatch, holder: Any, name: str
) -> None:
    with monkeypatch.context() as broken:
        broken.delattr(holder, name)
        with pytest.raises(ConfigurationError, match=f"has no `{name}`"):
            guard().install()

    assert not hasattr(botocore.session.Session.create_client, "guardedbedrock_wraps")


def test_boto3_session_without_a_botocore_session_cannot_be_guarded() -> None:
    session = boto3.Session()
    del session._session

    with pytest.raises(ConfigurationError, match="has no `_session`"):
        guard().session(session)


def test_installed_botocore_has_every_attribute() -> None:
    client = boto3.client("bedrock-runtime", **HERE)

    assert [
        footing.require(client, path) is None for path in footing.CLIENT_ATTRIBUTES if path != "_request_signer._auth_token"
    ] == ([False] * (len(footing.CLIENT_ATTRIBUTES) - 1))


def test_oldest_tested_boto3_is_the_oldest_supported_one() -> None:
    promised = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
    oldest = (ROOT / "tests/constraints-oldest.txt").read_text("utf-8").split()

    assert sorted(line.replace(">=", "==") for line in promised if line.startswith("boto")) == oldest
