"""
Read when users and roles last used a service.

IAM makes a report for each principal. It covers attempts that were denied as well, and at least 400 days.
Source: IAM API Reference, "GenerateServiceLastAccessedDetails" and "GetServiceLastAccessedDetails".
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

SERVICE: Final = "bedrock"
PAUSES: Final = 60
"""Seconds to wait for all reports together."""


def read_last_accessed(
    iam: Any, principals: Iterable[str], wait: Callable[[float], object] = time.sleep
) -> dict[str, dict[str, str | None]]:
    """
    Return when principals last used Bedrock.

    Args:
        iam: A boto3 client for IAM.
        principals: ARNs of users and roles.
        wait: Waits for a number of seconds.

    Returns:
        ARN to ``{"bedrock": time}`` with the time in ISO 8601, or None if the principal never used it; to an empty object if
        its policies do not name the service. A principal that was deleted, or whose report failed or is not ready, is missing.
    """
    jobs = {arn: job for arn in principals if (job := _job(iam, arn))}
    found: dict[str, dict[str, str | None]] = {}
    pauses = PAUSES
    for arn, job in jobs.items():
        report = iam.get_service_last_accessed_details(JobId=job)
        while report["JobStatus"] == "IN_PROGRESS" and pauses:
            pauses -= 1
            wait(1)
            report = iam.get_service_last_accessed_details(JobId=job)
        if report["JobStatus"] == "COMPLETED":
            found[arn] = _use(iam, job, report)
    return found


def _job(iam: Any, arn: str) -> str:
    """Start a report, and return its ID; ``""`` if the principal was deleted since its policies were read."""
    try:
        return str(iam.generate_service_last_accessed_details(Arn=arn)["JobId"])
    except Exception as error:
        if getattr(error, "response", {}).get("Error", {}).get("Code") == "NoSuchEntity":
            return ""
        raise


def _use(iam: Any, job: str, report: Mapping[str, Any]) -> dict[str, str | None]:
    while True:
        for one in report["ServicesLastAccessed"]:
            if one["ServiceNamespace"] == SERVICE:
                last = one.get("LastAuthenticated")
                return {SERVICE: None if last is None else last.isoformat()}
        if not report.get("IsTruncated"):
            return {}
        report = iam.get_service_last_accessed_details(JobId=job, Marker=report["Marker"])
