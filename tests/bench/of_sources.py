"""The cost of a live source: a call against one with static policies, and an account of a thousand roles."""

from __future__ import annotations

import json
import multiprocessing
import resource
import tempfile
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from time import perf_counter
from typing import Any, Final

from measuring import Row, clocked, in_turns
from of_clients import served
from samples import ALLOW, ARN, CALL, ROLE

from guardedbedrock import Guard, Guardrail, iam
from guardedbedrock.iam.account.snapshot import write_snapshot

ROLES: Final = 1000
POLICY: Final = {"Version": "2012-10-17", "Statement": [ALLOW]}


def sources() -> Iterator[Row]:
    """The same call with static policies and with those of a snapshot, in turns; and a dump of a thousand roles."""
    with tempfile.TemporaryDirectory() as folder, served() as options:
        path = Path(folder) / "account.json"
        write_snapshot(_snapshot(), path)
        given: dict[str, Any] = {"guardrails": [Guardrail(ARN, version="3")], "principal": ROLE, "listeners": ()}
        live = Guard(**given, policies=f"snapshot:{path}").client("bedrock-runtime", **options)
        static = Guard(**given, policies=iam.PolicySet(identity=[POLICY])).client("bedrock-runtime", **options)
        (ratio, _), _ = in_turns(clocked(lambda: live.converse(**CALL)), clocked(lambda: static.converse(**CALL)))
        yield Row("converse with a live source against static policies, median", 1.02, ratio, "x")
        yield from _account(Path(folder) / "details.json")


def _snapshot() -> dict[str, Any]:
    role = {"kind": "role", "name": "Bench", "inline": {"Allow": POLICY}, "managed": []}
    header = {"schema": "guardedbedrock.snapshot", "version": 1, "account": "123456789012", "time": "2026-11-28T12:00:00Z"}
    return {**header, "principals": {ROLE: role}, "gaps": []}


def _account(path: Path) -> Iterator[Row]:
    path.write_text(json.dumps({"RoleDetailList": [_role(index) for index in range(ROLES)], "Policies": []}), "utf-8")
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    reader = context.Process(target=_read, args=(theirs, str(path)), daemon=True)
    reader.start()
    seconds, megabytes = ours.recv()
    reader.join()
    yield Row("authorization details of 1,000 roles, read and compiled", 3, seconds, "s")
    yield Row("memory of a process that holds them", 300, megabytes, "MB")


def _role(index: int) -> dict[str, Any]:
    inline = [
        {
            "PolicyName": f"Policy{number}",
            "PolicyDocument": {"Version": "2012-10-17", "Statement": [{**ALLOW, "Sid": f"S{number}"}]},
        }
        for number in range(3)
    ]
    arn = f"arn:aws:iam::123456789012:role/team/Role{index}"
    return {"Arn": arn, "RoleName": f"Role{index}", "RoleId": f"AROA{index}", "RolePolicyList": inline}


def _read(connection: Connection, path: str) -> None:
    started = perf_counter()
    account = iam.Account.from_snapshot(path)
    for arn in account.principals:
        account.policy_set(arn)
    seconds = perf_counter() - started
    connection.send((seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))
