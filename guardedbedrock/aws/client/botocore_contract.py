"""
What of botocore's clients the guard stands on, by names of which some are private.

Where one is gone no client is made: a guard that has lost its footing must not look like one that stands.
"""

from __future__ import annotations

from functools import reduce
from typing import Any, Final

import botocore

from guardedbedrock.errors import ConfigurationError

OF_A_CLIENT: Final = (
    "_PY_TO_OP_NAME",  # which operation a presigned URL is of
    "_endpoint._send",  # what sends, kept behind the gate whoever replaces it
    "_endpoint.http_session.send",  # where the gate looks at what is sent
    "_get_credentials",  # whom STS is asked about
    "_request_signer._auth_token",  # whether a client has a Bedrock API key
    "_request_signer._choose_signer",  # and whether it signs with it
    "_request_signer.get_auth_instance",  # where the gate looks at what is signed
    "_serializer.serialize_to_request",  # what writes the requests that the gate compares with
    "meta.endpoint_url",
    "meta.region_name",
    "meta.service_model",
)
"""Attributes of every client, each with the way to it."""

_MISSING: Final = object()


def check_client(client: Any, mixin: type) -> None:
    """
    Check that a client is one as the guard knows them.

    Args:
        client: With the mixin among the bases of its class.
        mixin: What comes before botocore's own bases.

    Raises:
        ConfigurationError: Something is missing; it says what.
    """
    for path in OF_A_CLIENT:
        found(client, path)
    found(super(mixin, client), "_make_api_call")  # what the guarded call goes on to
    found(super(mixin, client), "_convert_to_request_dict")  # where the gate sees what is written
    if not getattr(client, "_presigns_guarded", False):
        raise _lost("generate_presigned_url")


def found(holder: Any, path: str) -> Any:
    """
    Follow a dotted path of attributes.

    Raises:
        ConfigurationError: It leads nowhere.
    """
    end = reduce(lambda place, name: getattr(place, name, _MISSING), path.split("."), holder)
    if end is _MISSING:
        raise _lost(path)
    return end


def _lost(path: str) -> ConfigurationError:
    return ConfigurationError(
        f"botocore {botocore.__version__} has no `{path}` where guardedbedrock needs it: install a version that it was tested "
        "with"
    )
