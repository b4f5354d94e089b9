"""Values that the tests of settings write into files and variables."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pathlib import Path

ARN: Final = "arn:aws:bedrock:us-east-1:111122223333:guardrail/abc"
OTHER: Final = "arn:aws:bedrock:eu-west-1:111122223333:guardrail/def"
ROLE: Final = "arn:aws:iam::111122223333:role/App"
GUARDRAIL: Final = f'[[guardrails]]\narn = "{ARN}"\nversion = 3\n'
GUARDED: Final = {"GUARDEDBEDROCK_GUARDRAILS": json.dumps([{"arn": ARN, "version": "3"}])}
CALLER: Final = "principal = 'caller'\n"


def document(sid: str, action: str = "bedrock:InvokeModel") -> dict[str, Any]:
    """Write a policy document that allows one action."""
    statement = {"Sid": sid, "Effect": "Allow", "Action": action, "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [statement]}


def write(folder: Path, files: dict[str, Any]) -> None:
    """Write files; content that is not a string is written as JSON."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
