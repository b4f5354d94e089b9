"""
The attributes of botocore's clients that the guard uses. Some of them are private.

If one is missing, no client is created: a guard that cannot check a client must not appear to guard it.
"""

from __future__ import annotations

import re
from functools import reduce
from importlib import metadata
from typing import Any, Final

import botocore

from guardedbedrock.bedrock.operations import REVIEWED
from guardedbedrock.errors import ConfigurationError

CLIENT_ATTRIBUTES: Final = (
    "_PY_TO_OP_NAME",  # the operation of a presigned URL
    "_endpoint.http_session.send",  # where the gate checks what is sent
    "_get_credentials",  # the credentials that STS is called with
    "_request_signer._auth_token",  # whether the client has a Bedrock API key
    "_request_signer._choose_signer",  # whether it signs with the key
    "_request_signer.get_auth_instance",  # where the gate checks what is signed
    "meta.endpoint_url",
    "meta.region_name",
    "meta.service_model",
)
"""Attributes of every client, as dotted paths."""

_MISSING: Final = object()

FLOORS: Final = {"botocore": "1.42.97", "aiobotocore": "3.10"}
"""The oldest versions that the guard works with, as in pyproject.toml."""
_NUMBER: Final = re.compile(r"\d+")


def check_version(package: str, version: str) -> None:
    """
    Check that a package is not too old.

    Args:
        package: A key of `FLOORS`.
        version: The version that is imported.

    Raises:
        ConfigurationError: It is older than the floor.
    """
    floor = FLOORS[package]
    if _release(version) < _release(floor):
        raise ConfigurationError(
            f'{package} {version} is installed, and guardedbedrock needs {package} {floor} or later: run "pip install '
            f"--upgrade '{package}>={floor}'\""
        )


def check_aiobotocore() -> None:
    """
    Check the installed aiobotocore before it is imported: an old one lacks names that the guard imports.

    Raises:
        ConfigurationError: It is older than the floor.
    """
    try:
        version = metadata.version("aiobotocore")
    except metadata.PackageNotFoundError:
        return  # `Guard.async_client` names the extra to install
    check_version("aiobotocore", version)


def _release(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in _NUMBER.findall(version)[:3])


def check_client(client: Any, mixin: type) -> None:
    """
    Check that a client has every attribute that the guard uses.

    Args:
        client: A client whose class has the mixin among its bases.
        mixin: The mixin that precedes botocore's own bases.

    Raises:
        ConfigurationError: botocore is too old, or an attribute is missing; the message names it.
    """
    check_version("botocore", botocore.__version__)
    for path in CLIENT_ATTRIBUTES:
        require(client, path)
    require(super(mixin, client), "_make_api_call")
    require(super(mixin, client), "_convert_to_request_dict")
    if not getattr(client, "_presigns_guarded", False):
        raise _missing("generate_presigned_url")


def require(holder: Any, path: str) -> Any:
    """
    Follow a dotted path of attributes.

    Raises:
        ConfigurationError: An attribute is missing.
    """
    value = reduce(lambda owner, name: getattr(owner, name, _MISSING), path.split("."), holder)
    if value is _MISSING:
        raise _missing(path)
    return value


def _missing(path: str) -> ConfigurationError:
    return ConfigurationError(
        f"botocore {botocore.__version__} has no `{path}`, which guardedbedrock needs: "
        f"install botocore {REVIEWED}, or another version from {FLOORS['botocore']} on"
    )
