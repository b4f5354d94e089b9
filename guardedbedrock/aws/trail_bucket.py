"""Objects of S3, for tools that read many of them, such as a replay of CloudTrail."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, BinaryIO, Final, cast

import boto3
from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError

from guardedbedrock.errors import ConfigurationError

_SCHEME: Final = "s3://"


@dataclass(frozen=True, slots=True)
class S3Bucket:
    """
    Reads objects by their URL, with the credentials of the default session.

    It holds no client, so that it can be sent to other processes.
    """

    def list(self, url: str) -> Iterator[tuple[str, int]]:
        """
        List the URL and the size in bytes of every object under ``s3://BUCKET/PREFIX``.

        Raises:
            ConfigurationError: The bucket cannot be listed.
        """
        bucket, prefix = _parts(url)
        try:
            for page in _client().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
                for found in page.get("Contents", ()):
                    if not found["Key"].endswith("/"):  # a folder of the console
                        yield f"{_SCHEME}{bucket}/{found['Key']}", found["Size"]
        except (BotoCoreError, ClientError) as error:
            raise ConfigurationError(f"{url}: the bucket cannot be listed: {error}") from None

    def open(self, url: str) -> BinaryIO:
        """
        Download an object into a temporary file, and open it.

        Raises:
            OSError: The object cannot be read.
        """
        bucket, key = _parts(url)
        file = cast("BinaryIO", tempfile.TemporaryFile())  # noqa: SIM115  # the caller closes it
        try:
            _client().download_fileobj(bucket, key, file)
        except (BotoCoreError, Boto3Error, ClientError) as error:
            file.close()
            raise OSError(str(error)) from None
        file.seek(0)
        return file


@cache  # made once: creating a client takes 50 ms, and a replay reads many objects
def _client() -> Any:
    return boto3.client("s3")


def _parts(url: str) -> tuple[str, str]:
    bucket, _, key = url.removeprefix(_SCHEME).partition("/")
    if not bucket:
        raise ConfigurationError(f"{url}: has no bucket; write s3://BUCKET/PREFIX")
    return bucket, key
