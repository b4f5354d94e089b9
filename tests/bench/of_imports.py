"""Start-up, each in fresh processes."""

from __future__ import annotations

from collections.abc import Iterator

from measuring import NO_BUDGET, Row
from measuring import milliseconds_in_a_fresh_process as took


def imports() -> Iterator[Row]:
    """Start-up, each in fresh processes."""
    yield Row("import guardedbedrock, beyond boto3", 60, took("import boto3", "import guardedbedrock"), "ms")
    use = "import guardedbedrock; guardedbedrock.client"
    yield Row("the same, and all that `client` needs", NO_BUDGET, took("import boto3", use), "ms")
    yield Row("import guardedbedrock.iam, alone", 30, took("pass", "import guardedbedrock.iam"), "ms")
    yield Row("import boto3, for scale", NO_BUDGET, took("pass", "import boto3"), "ms")
