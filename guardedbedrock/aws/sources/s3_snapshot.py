"""A snapshot in S3, as a source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from guardedbedrock.aws.sources import calls
from guardedbedrock.errors import ConfigurationError, SourceError
from guardedbedrock.iam.account.snapshot import check_age, verify_and_parse

_NOT_MODIFIED: Final = ("304", "NotModified")
_NO_KEY: Final = ("404", "NoSuchKey", "NotFound")


class S3Snapshot:
    """
    Reads a snapshot and its digest from S3; an object that has not changed is not downloaded again.

    Args:
        location: ``s3://BUCKET/KEY``. The digest is ``KEY.sha256``.
        max_age: Greatest accepted age of the snapshot in seconds; None accepts every age.

    Raises:
        ConfigurationError: The location has no bucket or no key.
    """

    def __init__(self, location: str, max_age: float | None) -> None:
        self._location, self._max_age = location, max_age
        self._bucket, _, self._key = location.removeprefix("s3://").partition("/")
        if not (self._bucket and self._key):
            raise ConfigurationError(f"policies: `{location}` names no object; write s3://BUCKET/KEY")
        self._client: Any = None
        self._etag = ""
        self._snapshot: dict[str, Any] = {}

    def read(self, principals: Sequence[str], regions: Sequence[str], now: datetime) -> Mapping[str, Any]:  # noqa: ARG002
        """
        Return the snapshot, whatever principals and Regions it has.

        Raises:
            SourceError: S3 does not answer, or the object does not exist.
            ConfigurationError: The digest differs, or the snapshot is too old.
        """
        if self._client is None:
            self._client = calls.new_session().client("s3", config=calls.CONFIG)
        found = self._get(self._key, {"IfNoneMatch": self._etag} if self._etag else {})
        if found is not None:
            data, etag = found
            digest = self._digest()
            self._snapshot, self._etag = verify_and_parse(data, digest, name=self._location), etag
        if self._max_age is not None:
            check_age(self._snapshot, now=now, max_age=self._max_age, name=self._location)
        return self._snapshot

    def _digest(self) -> str | None:
        try:
            found = self._get(f"{self._key}.sha256", {})
        except SourceError as error:
            if isinstance(error.__cause__, ClientError) and _code(error.__cause__) in _NO_KEY:
                return None
            raise
        return None if found is None else found[0].decode("utf-8", "replace")

    def _get(self, key: str, condition: Mapping[str, str]) -> tuple[bytes, str] | None:
        """Return content and ETag of an object; None if it has not changed."""
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=key, **condition)
            return answer["Body"].read(), answer["ETag"]
        except ClientError as error:
            if _code(error) in _NOT_MODIFIED:
                return None
            raise SourceError(f"s3://{self._bucket}/{key} cannot be read: {error}") from error
        except BotoCoreError as error:
            raise SourceError(f"s3://{self._bucket}/{key} cannot be read: {error}") from error


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))
