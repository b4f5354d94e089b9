"""DuckDB instead of Athena: the table of the Athena User Guide for CloudTrail logs, and the CSV of a result."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from duckdb import DuckDBPyConnection
from harness.replay import write_json

_COLUMNS: Final = """
{eventsource: 'VARCHAR', eventname: 'VARCHAR', awsregion: 'VARCHAR', eventtime: 'VARCHAR', eventid: 'VARCHAR',
 eventtype: 'VARCHAR', errorcode: 'VARCHAR',
 errormessage: 'VARCHAR', requestparameters: 'VARCHAR', sourceipaddress: 'VARCHAR', useragent: 'VARCHAR',
 vpcendpointid: 'VARCHAR', addendum: 'STRUCT(reason VARCHAR, originaleventid VARCHAR)',
 tlsdetails: 'STRUCT(clientprovidedhostheader VARCHAR)',
 useridentity: 'STRUCT(type VARCHAR, arn VARCHAR, principalid VARCHAR, accountid VARCHAR, invokedby VARCHAR,
   sessioncontext STRUCT(attributes STRUCT(mfaauthenticated VARCHAR, creationdate VARCHAR),
   sessionissuer STRUCT(type VARCHAR, arn VARCHAR)))'}
"""


def _lower(value: Any, depth: int = 0) -> Any:
    """Write names in lower case, as Athena's table does; ``requestparameters`` stays text."""
    if not isinstance(value, dict):
        return value
    pairs = {key.lower(): _lower(one, depth + 1) for key, one in value.items()}
    if depth == 0 and isinstance(value.get("requestParameters"), dict):
        pairs["requestparameters"] = json.dumps(value["requestParameters"])
    return pairs


def load_records(database: DuckDBPyConnection, records: Sequence[Mapping[str, Any]], folder: Path) -> None:
    """Create the table ``cloudtrail_logs`` with these records; `folder` takes a file."""
    file = write_json(folder / "athena.json", [_lower(one) for one in records])
    database.execute(f"CREATE TABLE cloudtrail_logs AS SELECT * FROM read_json('{file}', columns = {_COLUMNS})")  # noqa: S608  # of a test


def write_result(database: DuckDBPyConnection, query: str, file: Path) -> None:
    """Run a query, and write its result as CSV with a head, as Athena does."""
    result = database.execute(query)
    with file.open("w", encoding="utf-8", newline="") as opened:
        csv.writer(opened).writerows([[column[0] for column in result.description or ()], *result.fetchall()])
