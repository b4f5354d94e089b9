"""A TLS certificate for loopback. botocore sends Bedrock API keys only over TLS."""

from __future__ import annotations

import os
import ssl
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from guardedbedrock.errors import ConfigurationError

if TYPE_CHECKING:
    import trustme

_NAMES: Final = ("127.0.0.1", "localhost")


class LoopbackCertificate:
    """
    A server certificate, and the certificate authority that a client has to trust.

    One authority is created for each process. Its private key is never written to a file.

    Raises:
        ConfigurationError: The extra ``tls`` is not installed.
    """

    def __init__(self) -> None:
        authority = _authority()
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        _leaf().configure_cert(self.context)
        self._owner = os.getpid()
        self._folder = tempfile.TemporaryDirectory(prefix="fake-bedrock-")
        self.ca_file = str(Path(self._folder.name) / "ca.pem")
        authority.cert_pem.write_to_path(self.ca_file)

    def close(self) -> None:
        """Delete the file of the authority, except in a forked child: the parent's clients need it."""
        if self._owner == os.getpid():
            self._folder.cleanup()


@cache  # made once: creating a key takes 10 ms, and every fake of the process may share it
def _authority() -> trustme.CA:
    authority: trustme.CA = _trustme().CA(organization_name="guardedbedrock fake")
    return authority


@cache  # made once, for the same reason
def _leaf() -> trustme.LeafCert:
    return _authority().issue_cert(*_NAMES)


def _trustme() -> Any:
    try:
        import trustme  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ConfigurationError("tls: certificates need the extra `tls`: pip install 'guardedbedrock[testing,tls]'") from error
    return trustme
