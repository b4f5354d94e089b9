"""PutModelInvocationLoggingConfiguration, GetModelInvocationLoggingConfiguration, DeleteModelInvocationLoggingConfiguration."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from guardedbedrock.testing.wire import ApiParams


class InvocationLogging:
    """
    The logging configuration of a region.

    Args:
        configuration: The configuration at the start, or None.
    """

    def __init__(self, configuration: ApiParams | None) -> None:
        self._configuration: ApiParams = {"loggingConfig": configuration} if configuration else {}

    @property
    def configuration(self) -> ApiParams | None:
        """The current configuration, or None."""
        return self._configuration.get("loggingConfig")

    def put(self, params: ApiParams) -> ApiParams:
        """Store the configuration."""
        self._configuration = {"loggingConfig": params["loggingConfig"]}
        return {}

    def get(self, _: ApiParams) -> ApiParams:
        """Return the configuration, if there is one."""
        return self._configuration

    def delete(self, _: ApiParams) -> ApiParams:
        """Delete the configuration."""
        self._configuration = {}
        return {}
