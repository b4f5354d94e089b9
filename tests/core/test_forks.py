"""Forked children: every lock is free and every background thread runs, whatever the threads of the parent were doing."""

from __future__ import annotations

import ast
import asyncio
import json
import multiprocessing
import os
import signal
import time
import warnings
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from random import Random
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pytest
from botocore import auth
from harness.clients import HR, ON_THE_SERVER, ROLE, ask

import guardedbedrock
from guardedbedrock import Guard
from guardedbedrock.auditing import Audit, CloudWatchLogs, DenialAlert, JsonLines
from guardedbedrock.aws.aio.identity import AsyncCallerIdentity
from guardedbedrock.aws.creation import install
from guardedbedrock.aws.signer import signers
from guardedbedrock.aws.sources.identity import CallerIdentity, SignerIdentity
from guardedbedrock.bedrock.guardrail.coverage import SuffixHistory
from guardedbedrock.core.lost_records import LostRecords
from guardedbedrock.forks import ForkSafeLock
from guardedbedrock.stages.retry.quota import RetryQuota
from guardedbedrock.testing import FakeBedrock
from guardedbedrock.testing.faults import Throttle
from guardedbedrock.testing.received_requests import RequestLog
from guardedbedrock.testing.runtime.script import Script

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")

PACKAGE: Final = Path(guardedbedrock.__file__).parent
DENIAL: Final = {"errorCode": "AccessDenied", "eventName": "Converse", "userIdentity": {"arn": ROLE}}
PATIENCE: Final = 20
"""Seconds after which a child that waits for a lock is killed."""


def fork(work: Callable[[], object]) -> int:
    """Start a child that runs a function, and return its process ID."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python warns about forks while threads run, which is the test
        child = os.fork()
    if child:
        return child
    signal.alarm(PATIENCE)
    try:
        work()
    except BaseException:  # noqa: BLE001  # the child must not continue as a second pytest
        os._exit(1)
    os._exit(0)


def exit_code(child: int) -> int:
    """Wait for a child; 0 if its work succeeded, -14 if it was killed because it waited forever."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def held(lock: Any, work: Callable[[], object]) -> int:
    """Run a function in a child that is forked while another thread of the parent holds a lock."""
    is_held, may_end = Event(), Event()

    def hold() -> None:
        with lock:
            is_held.set()
            may_end.wait(2 * PATIENCE)

    holder = Thread(target=hold)
    holder.start()
    is_held.wait(PATIENCE)
    try:
        return exit_code(fork(work))
    finally:
        may_end.set()
        holder.join()


def identity_of(identity: Any) -> Any:
    """Let an identity answer without STS."""
    sts = type("Sts", (), {"get_caller_identity": lambda _: {"Arn": ROLE, "UserId": "id"}})()
    identity._make_client = lambda *_: sts
    return identity


def an_async_identity() -> Any:
    identity = AsyncCallerIdentity(None)

    async def answer(**_: bool) -> None:
        identity._arn = ROLE

    identity._ask_in_thread = answer  # type: ignore[method-assign]
    return identity


def test_a_fork_safe_lock_excludes_other_threads_and_may_be_released_in_a_child_of_its_holder() -> None:
    lock = ForkSafeLock()
    with lock:
        assert not lock.acquire(timeout=0.01)
        child = fork(lock.release)
    assert exit_code(child) == 0
    assert lock.acquire(timeout=0)


class Case(NamedTuple):
    """An object with a lock, and a function that needs the lock."""

    make: Callable[[], Any]
    work: Callable[[Any], object]


LOCKS: Final = {
    "caller-identity": Case(lambda: identity_of(CallerIdentity()), lambda identity: identity()),
    "signer-identity": Case(lambda: identity_of(SignerIdentity(None, "us-east-1")), lambda identity: identity()),
    "retry-quota": Case(RetryQuota, lambda quota: quota.acquire(5)),
    "tag-suffixes": Case(SuffixHistory, lambda history: history.is_reused("a", "b")),
    "lost-records": Case(lambda: LostRecords("sink"), lambda lost: lost.add("failed")),
    "alert": Case(lambda: DenialAlert(5, 60.0, print), lambda alert: alert.write(DENIAL)),
    "install": Case(lambda: install, lambda _: Guard(guardrails=[HR], listeners=()).install()),
    "signers": Case(lambda: signers, lambda _: signers.add_check(lambda *_: None)),
    "throttle": Case(lambda: Throttle(1.0).begin(Random(1)), lambda bucket: bucket._take()),  # noqa: S311
    "script": Case(Script, lambda script: script.clear()),
    "requests": Case(RequestLog, lambda log: log.clear()),
}


@pytest.mark.parametrize("case", LOCKS.values(), ids=LOCKS)
def test_a_child_does_not_wait_for_a_lock_of_the_parent(case: Case) -> None:
    owner = case.make()

    assert held(owner._lock, lambda: case.work(owner)) == 0


def test_every_lock_of_the_library_is_renewed_in_a_child() -> None:
    """Only `ForkSafeLock`, and the classes that renew their own, create locks and threads."""
    makers = {"Lock", "RLock", "Condition", "Semaphore", "BoundedSemaphore", "Barrier", "Thread", "ThreadPoolExecutor"}
    found = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and not node.args and ast.unparse(node.func).rpartition(".")[2] in makers:
                found.add((path.relative_to(PACKAGE).as_posix(), ast.unparse(node.func)))

    assert found == {
        ("aws/aio/identity.py", "asyncio.Lock"),
        ("aws/sinks/cloudwatch.py", "Condition"),
        ("aws/sinks/cloudwatch.py", "Thread"),
        ("sources/refresher.py", "threading.Condition"),
        ("sources/refresher.py", "threading.Thread"),
        ("telemetry/audit/alerts.py", "Thread"),
        ("testing/server/loopback.py", "threading.Thread"),
    }


def test_a_child_asks_sts_although_a_thread_of_the_parent_is_asking() -> None:
    asking, may_answer = Event(), Event()
    identity = identity_of(CallerIdentity())
    answering = identity._make_client

    def slow(service: str) -> Any:
        asking.set()
        may_answer.wait(2 * PATIENCE)
        return answering(service)

    identity._make_client = slow
    thread = Thread(target=identity)
    thread.start()
    asking.wait(PATIENCE)
    identity._make_client = answering

    child = fork(identity)

    assert exit_code(child) == 0
    may_answer.set()
    thread.join()
    assert identity() == ROLE


def test_a_child_of_an_event_loop_asks_sts_although_a_task_of_the_parent_is_asking() -> None:
    identity = an_async_identity()

    async def parent() -> int:
        async with identity._asking:
            return fork(lambda: _in_thread(identity))

    assert exit_code(asyncio.run(parent())) == 0


def _in_thread(identity: Any) -> None:
    """Run a new event loop in a child of an event loop, whose own thread still has the parent's."""
    errors: list[BaseException] = []

    def run() -> None:
        try:
            asyncio.run(_learn(identity))
        except BaseException as error:  # noqa: BLE001
            errors.append(error)

    thread = Thread(target=run)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]


async def _learn(identity: Any) -> None:
    await identity.learn()
    assert identity() == ROLE


def test_a_child_writes_audit_records_while_busy_threads_of_the_parent_do(tmp_path: Path) -> None:
    """Four threads with fsync, forked again and again: every child writes its record, and no line is cut."""
    sink, stop = JsonLines(tmp_path / "audit.jsonl", fsync=True, max_bytes=0), Event()

    def write() -> None:
        while not stop.is_set():
            sink.write({"from": "parent"})

    threads = [Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    children = []
    for number in range(20):
        time.sleep(0.005)
        children.append(fork(partial(sink.write, {"from": number})))
    codes = [exit_code(child) for child in children]
    stop.set()
    for thread in threads:
        thread.join()
    sink.close()

    texts = [path.read_text("utf-8") for path in tmp_path.glob("audit.jsonl*") if path.suffix != ".lock"]
    written = [json.loads(line)["from"] for text in texts for line in text.splitlines()]
    assert codes == [0] * 20
    assert sorted(number for number in written if number != "parent") == list(range(20))


class Logs:
    """A client of CloudWatch Logs that stores the number of events."""

    def __init__(self) -> None:
        self.events = 0
        self.open = Event()
        self.open.set()

    def put_log_events(self, **given: Any) -> None:
        """Store."""
        self.open.wait(PATIENCE)
        self.events += len(given["logEvents"])


def test_a_child_sends_its_own_records_to_cloudwatch_and_not_those_of_its_parent() -> None:
    logs = Logs()
    logs.open.clear()
    sink = CloudWatchLogs("group", client=logs, interval=0.0)
    for number in range(3):
        sink.write({"n": number})

    def work() -> None:
        logs.open.set()
        sink.write({"n": 3})
        assert sink.flush()
        assert logs.events == 1
        sink.close()

    assert held(sink._changed, work) == 0
    logs.open.set()
    sink.close()
    assert logs.events == 3


def test_a_child_counts_its_own_denials_and_lost_records() -> None:
    fired: list[Any] = []
    alert = DenialAlert(1, 60.0, fired.append)

    class Broken:
        def write(self, _: Any) -> None:
            raise OSError

    audit = Audit([alert, Broken()])
    alert.write(DENIAL)
    audit._lost[1].add("failed")

    def work() -> None:
        assert audit.lost == 0
        alert.write(DENIAL)
        alert.close()
        assert fired == []
        alert.write(DENIAL)
        alert.close()
        assert len(fired) == 1

    assert exit_code(fork(work)) == 0
    assert audit.lost == 1


def test_a_child_may_use_and_close_the_fake_of_its_parent() -> None:
    with FakeBedrock(guardrails=ON_THE_SERVER) as fake:
        client = Guard(guardrails=[HR], listeners=()).client("bedrock-runtime", **fake.client_kwargs())
        client.converse(**ask("converse"))

        def work() -> None:
            assert len(fake.requests) == 1
            fake.reset()
            fake.fail_next(400, "ValidationException", "no")
            fake.close()

        assert exit_code(fork(work)) == 0
        client.converse(**ask("converse"))
        assert len(fake.requests) == 2
        client.close()


CONFIG: Final = f'[[guardrails]]\narn = "{HR.arn}"\nversion = "{HR.version}"\n\n[audit]\nrecords = "all"\nfile = "{{}}"\n'
_worker: dict[str, Any] = {}


def start_worker(config: str, kwargs: dict[str, Any]) -> None:
    """Create the guarded client of a worker process."""
    _worker["client"] = Guard.from_config(config, listeners=()).client("bedrock-runtime", **kwargs)


def call_in_worker(text: str) -> str:
    """Make a call in a worker process."""
    return str(_worker["client"].converse(**ask("converse", text))["stopReason"])


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_the_workers_of_a_process_pool_are_guarded_and_audited(tmp_path: Path, method: str) -> None:
    audit, config = tmp_path / "audit.jsonl", tmp_path / "guardedbedrock.toml"
    config.write_text(CONFIG.format(audit), "utf-8")
    with FakeBedrock(guardrails=ON_THE_SERVER) as fake:
        start_worker(str(config), fake.client_kwargs())  # the parent has a client, too, with open connections
        assert call_in_worker("from the parent") == "end_turn"
        context = multiprocessing.get_context(method)
        arguments = (str(config), fake.client_kwargs())
        with ProcessPoolExecutor(2, mp_context=context, initializer=start_worker, initargs=arguments) as pool:
            reasons = list(pool.map(call_in_worker, [f"number {n}" for n in range(8)]))
        guardrails = {request.guardrail for request in fake.requests}
        _worker.pop("client").close()

    assert reasons == ["end_turn"] * 8
    assert guardrails == {(HR.arn, HR.version)}
    assert len(audit.read_text("utf-8").splitlines()) == 9


def test_forked_workers_may_use_the_client_of_their_parent(tmp_path: Path) -> None:
    config = tmp_path / "guardedbedrock.toml"
    config.write_text(CONFIG.format(tmp_path / "audit.jsonl"), "utf-8")
    with FakeBedrock(guardrails=ON_THE_SERVER) as fake:
        start_worker(str(config), fake.client_kwargs())
        children = [fork(lambda: call_in_worker("hello")) for _ in range(4)]
        assert [exit_code(child) for child in children] == [0] * 4
        _worker.pop("client").close()
        assert len(fake.requests) == 4

    assert len((tmp_path / "audit.jsonl").read_text("utf-8").splitlines()) == 4


def test_the_signers_of_a_child_are_checked() -> None:
    """A guard with ``strict=True`` in the parent is in force in the child."""
    guard = Guard(guardrails=[HR], listeners=())
    with guard.install(strict=True):
        patched = auth.SigV4Auth.add_auth
        assert exit_code(fork(lambda: guard.install(strict=True))) == 0
        assert auth.SigV4Auth.add_auth is patched
