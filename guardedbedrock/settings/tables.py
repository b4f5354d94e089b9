"""The tables ``[retry]`` and ``[audit]`` of the configuration."""

from typing import Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    model_validator,
)

from guardedbedrock.settings.problems import MisfitError
from guardedbedrock.stages.retry.policy import RetryPolicy
from guardedbedrock.stages.retry.quota import CAPACITY


class RetrySettings(BaseModel):
    """How often and how patiently calls are tried again; see `RetryPolicy`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    attempts: PositiveInt = Field(default=3, description="write how many, the first included; 1 never retries")
    longest_wait: NonNegativeFloat = Field(default=20.0, description="write seconds")
    deadline: PositiveFloat | None = Field(default=120.0, description="write seconds since the call began")
    capacity: NonNegativeInt = Field(default=CAPACITY, description="write how many tokens the calls of a client share")

    @property
    def policy(self) -> RetryPolicy:
        """The policy."""
        return RetryPolicy(self.attempts, self.longest_wait, self.deadline, self.capacity)


class AuditSettings(BaseModel):
    """Where records for auditors go; see `guardedbedrock.auditing`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    records: Literal["denials", "all"] = Field(default="denials", description='leave it out for "denials"')
    file: str = Field(default="", description='write the path of a file of JSON lines, such as "audit.jsonl"')
    file_bytes: NonNegativeInt = Field(default=10_000_000, description="write bytes; 0 never begins a new file")
    file_count: NonNegativeInt = Field(default=5, description="write how many old files are kept")
    fsync: bool = Field(default=False, description="leave it out for false")
    logger: str = Field(default="", description='write the name of a logger, such as "guardedbedrock.audit"')
    log_group: str = Field(default="", description="write the name of a log group of CloudWatch Logs")
    log_stream: str = Field(default="", description="write the name of a log stream, or leave it out for one of this process")
    region: str = Field(default="", description="write the region of the log group, or leave it out for the session's")
    alert_above: NonNegativeInt | None = Field(default=None, description="write how many denials are still well")
    alert_within: PositiveFloat = Field(default=300.0, description="write seconds")
    alert_topic: str = Field(default="", description="write the ARN of a topic of Amazon SNS")

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if not (self.file or self.logger or self.log_group or self.alert_topic):
            raise MisfitError(" names no place for records: set file, logger, log_group or alert_topic, or leave `audit` out")
        if (self.alert_above is None) != (not self.alert_topic):
            raise MisfitError(": alert_above and alert_topic go together: set both, or pass a DenialAlert with a hook in code")
        return self
