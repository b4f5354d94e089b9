"""PutModelInvocationLoggingConfiguration, GetModelInvocationLoggingConfiguration, DeleteModelInvocationLoggingConfiguration."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from guardedbedrock.testing.wire import Params


class InvocationLogging:
    """The logging configuration of a region. It is stored, and the fake writes no log."""

    def __init__(self) -> None:
        self._configuration: Params = {}

    def put(self, params: Params) -> Params:
        """Store the configuration."""
        self._configuration = {"loggingConfig": params["loggingConfig"]}
        return {}

    def get(self, _: Params) -> Params:
        """Return the configuration, if there is one."""
        return self._configuration

    def delete(self, _: Params) -> Params:
        """Delete the configuration."""
        self._configuration = {}
        return {}
