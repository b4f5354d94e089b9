"""
The query that counts equal records in Athena, for `tuples.read_tuples`.

Athena cannot evaluate policies, but it counts a year of an organization without moving the files. The query groups records by
what the policies read.
Source: Amazon Athena User Guide, "Create the table for CloudTrail logs in Athena using partition projection".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from guardedbedrock.errors import ConfigurationError
from guardedbedrock.governance.replay.reading.events import SERVICE_EVENT
from guardedbedrock.governance.replay.reading.projection import Projection

_ISSUER: Final = "useridentity.sessioncontext.sessionissuer"
_ALWAYS: Final = {
    "source": "eventsource",
    "name": "eventname",
    "region": "awsregion",
    "host": "tlsdetails.clientprovidedhostheader",
    "principal_type": "useridentity.type",
    "role_arn": f"CASE WHEN {_ISSUER}.type = 'Role' THEN {_ISSUER}.arn END",
    "principal_arn": f"CASE WHEN {_ISSUER}.type = 'Role' AND {_ISSUER}.arn <> '' THEN NULL ELSE useridentity.arn END",
    "account": "useridentity.accountid",
    "params": "requestparameters",
    "error_code": "errorcode",
    "error_message": "CASE WHEN errorcode LIKE '%Access%' OR errorcode LIKE '%Unauthorized%' THEN errormessage END",
}
_IF_READ: Final = {
    "invoked_by": ("useridentity.invokedby", ("aws:viaawsservice", "aws:calledvia", "aws:calledviafirst", "aws:calledvialast")),
    "principal_id": ("useridentity.principalid", ("aws:userid",)),
    "mfa": ("useridentity.sessioncontext.attributes.mfaauthenticated", ("aws:multifactorauthpresent",)),
    "issued": ("useridentity.sessioncontext.attributes.creationdate", ("aws:tokenissuetime",)),
    "address": ("sourceipaddress", ("aws:sourceip", "aws:vpcsourceip")),
    "endpoint": ("vpcendpointid", ("aws:sourceip", "aws:vpcsourceip", "aws:sourcevpce")),
    "agent": ("useragent", ("aws:useragent",)),
}
COLUMNS: Final = (*_ALWAYS, "calls", "first", "last", "example")
"""The columns that every result has."""

_TABLE: Final = re.compile(r"[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)?")


def athena_sql(projection: Projection, table: str = "cloudtrail_logs") -> str:
    """
    Write the query for the policies of a projection.

    Args:
        projection: How calls are reduced.
        table: Name of the table of CloudTrail logs, with its database if needed.

    Raises:
        ConfigurationError: The name is not that of a table, or the policies read the time or the source identity.
    """
    if not _TABLE.fullmatch(table):
        raise ConfigurationError(f"`{table}` is not the name of a table; write TABLE or DATABASE.TABLE")
    if projection.reads_time:
        raise ConfigurationError("the policies read the time, which the query does not group by; replay the trail files")
    if "aws:sourceidentity" in projection.reads:
        raise ConfigurationError("the policies read aws:SourceIdentity, which Athena's table lacks; replay the trail files")
    columns = dict(_selected(projection))
    listed = ",\n".join(f"  {text} AS {name}" for name, text in columns.items())
    return f"""-- Limit `partitions` to your partitions, such as: timestamp BETWEEN '2026/11/01' AND '2026/11/30'
WITH partitions AS (
  SELECT * FROM {table} WHERE eventsource = 'bedrock.amazonaws.com' AND eventtype <> '{SERVICE_EVENT}'
), replaced AS (
  SELECT addendum.originaleventid AS eventid FROM partitions
  WHERE addendum.reason = 'UPDATED_DATA' AND addendum.originaleventid IS NOT NULL AND addendum.originaleventid <> eventid
)
SELECT
{listed},
  count(DISTINCT eventid) AS calls,
  min(eventtime) AS "first",
  max(eventtime) AS "last",
  min_by(eventid, concat(eventtime, eventid)) AS example
FROM partitions WHERE eventid NOT IN (SELECT eventid FROM replaced)
GROUP BY {", ".join(str(number) for number in range(1, len(columns) + 1))}
"""  # noqa: S608  # the name of the table is checked


def _selected(projection: Projection) -> Iterator[tuple[str, str]]:
    yield from _ALWAYS.items()
    for name, (text, keys) in _IF_READ.items():
        if not projection.reads.isdisjoint(keys):
            yield name, text
