"""Who calls: AWS is asked once, when it is first needed."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from guardedbedrock.errors import SourceError


class CallerIdentity:
    """
    The principal behind the credentials of a session.

    Args:
        session: Gives the boto3 session, when it is first needed.
    """

    def __init__(self, session: Callable[[], Any]) -> None:
        self._session = session
        self._lock = Lock()
        self._arn: str | None = None

    def __call__(self) -> str:
        """
        Give the ARN, asking STS the first time.

        Raises:
            SourceError: STS could not be asked; the next call asks again.
        """
        with self._lock:
            if self._arn is None:
                self._arn = self._ask()
            return self._arn

    def _ask(self) -> str:
        try:
            return str(self._session().client("sts").get_caller_identity()["Arn"])
        except (BotoCoreError, ClientError) as error:
            raise SourceError(f'principal = "caller": STS did not say who calls: {error}') from error
