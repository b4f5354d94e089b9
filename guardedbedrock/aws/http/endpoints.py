"""
Which requests go to Bedrock, and to which Region.

Source: AWS General Reference, "Amazon Bedrock endpoints and quotas"; Bedrock User Guide, "Use interface VPC endpoints (AWS
PrivateLink) to create a private connection between your VPC and Amazon Bedrock".
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from guardedbedrock.aws.host_suffixes import aws_host_suffixes
from guardedbedrock.errors import ConfigurationError

_RUNTIME: Final = frozenset({"bedrock-runtime", "bedrock-runtime-fips"})
_MANTLE: Final = frozenset({"bedrock-mantle", "bedrock-mantle-fips"})
_ENDPOINT_URL: Final = "AWS_ENDPOINT_URL_BEDROCK_RUNTIME"
_PORTS: Final = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """
    An endpoint of Bedrock that a request goes to.

    Args:
        url: The URL of the endpoint; the path of the request follows it.
        region: Its Region.
        is_mantle: Whether it is ``bedrock-mantle``, which has no guardrails.
    """

    url: str
    region: str
    is_mantle: bool = False


class Endpoints:
    """
    Finds the endpoint of a request.

    Args:
        region: The Region of an endpoint whose name contains none.
        endpoint_url: URL of a further runtime endpoint, such as a gateway; that of the environment unless given.

    Attributes:
        region: The Region.
    """

    def __init__(self, region: str, endpoint_url: str | None = None) -> None:
        self.region = region
        named = "endpoint_url" if endpoint_url else _ENDPOINT_URL
        given = endpoint_url or os.environ.get(_ENDPOINT_URL) or ""
        self._configured = _checked_authority(given, named) if given else None
        self._prefix = urlsplit(given).path.rstrip("/") if given else ""

    def find(self, request: Any) -> Endpoint | None:
        """
        Return the Bedrock endpoint that a request of httpx goes to; None if it goes elsewhere.

        The header ``Host`` and the name for TLS count as well: a request to an IP address can reach Bedrock by them.
        """
        return self.find_url(str(request.url), _hosts(request))

    def find_url(self, url: str, hosts: Iterable[str] = ()) -> Endpoint | None:
        """
        Return the Bedrock endpoint that a URL is for; None if it is for another server.

        Args:
            url: The URL.
            hosts: Further names by which the request may reach a server, in lower case and without a trailing dot.
        """
        parts, names = urlsplit(url), tuple(hosts)
        here = f"{parts.scheme}://{parts.netloc}"
        if self._is_configured(url, names):
            return Endpoint(f"{here}{self._prefix}", self.region)
        for host in ((parts.hostname or "").rstrip("."), *names):
            labels = host.split(".")
            service = next((label for label in labels if label in _RUNTIME | _MANTLE), None)
            if service is not None and host.endswith(aws_host_suffixes()):
                return Endpoint(here, labels[labels.index(service) + 1], service in _MANTLE)
        return None

    def _is_configured(self, url: str, hosts: tuple[str, ...]) -> bool:
        """Return whether a request goes to the configured endpoint: by its URL, or by Host or TLS name under another address."""
        if self._configured is None:
            return False
        here = _authority(url)
        return here == self._configured if here[0] == self._configured[0] else self._configured[0] in hosts


def _checked_authority(url: Any, named: str) -> tuple[str, int | None]:
    """
    Read the host and the port of a configured URL.

    Raises:
        ConfigurationError: It is not the URL of a server.
    """
    try:
        host, port = _authority(url)
        is_url = isinstance(url, str) and urlsplit(url).scheme in _PORTS and bool(host)
    except (ValueError, AttributeError, TypeError):
        is_url = False
    if not is_url:
        raise ConfigurationError(f'{named}: not a URL; set it to a URL such as "https://gateway.example.com:8443"')
    return host, port


def _hosts(request: Any) -> Iterator[str]:
    """Yield the names beside its URL by which a request may reach a server, in lower case and without a trailing dot."""
    names = [*request.headers.get_list("Host"), request.extensions.get("sni_hostname", "")]
    for name in names:
        text = name.decode("ascii", "replace") if isinstance(name, bytes) else str(name)
        yield text.partition(":")[0].rstrip(".").lower()


def _authority(url: str) -> tuple[str, int | None]:
    parts = urlsplit(url)
    return (parts.hostname or "").rstrip("."), parts.port or _PORTS.get(parts.scheme)
