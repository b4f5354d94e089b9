"""
The soak: many guarded calls by many threads against a fake that fails sometimes; every call ends as documented.

    python tests/soak/run.py --calls 20000 --seconds 120 --threads 8 --faults 0.05

Exit code 1 if a call ended with an undocumented result, or if the memory of the fake grew.
"""

from __future__ import annotations

import argparse
import itertools
import json
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

sys.path.insert(0, str(Path(__file__).parents[1]))

from soak.traffic import KINDS, make_client, outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_GROWTH: Final = 8.0  # MiB after the first fifth, which fills pools and caches
_LOOK: Final = 100  # calls between two looks at the memory
_SERVER: Final = Path(__file__).with_name("server.py")


@dataclass(slots=True)
class Soak:
    """
    The result of a soak.

    Args:
        ends: Kind of call and how it ended, to how often.
        strange: The results that are not documented.
        memory: Resident memory of the fake, in MiB, over time.
        seconds: How long it took.
    """

    ends: Counter[tuple[str, str]] = field(default_factory=Counter)
    strange: Counter[tuple[str, str]] = field(default_factory=Counter)
    memory: list[float] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def growth(self) -> float:
        """How much more memory the fake has at the end than after its first fifth, in MiB."""
        settled = self.memory[len(self.memory) // 5 :]
        return settled[-1] - settled[0]

    @property
    def failed(self) -> int:
        """How many calls met a fault that they felt."""
        return sum(count for (kind, end), count in self.ends.items() if end != KINDS[kind].well)


@contextmanager
def serving(share: float, seed: int) -> Iterator[tuple[dict[str, str], int]]:
    """Run the fake in a separate process; yield the keywords of a client and the process ID."""
    command = [sys.executable, str(_SERVER), str(share), str(seed)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own script
        kwargs = json.loads(process.stdout.readline()) if process.stdout else {}
        try:
            yield kwargs, process.pid
        finally:
            process.communicate()


def run(calls: int, threads: int, share: float, seed: int = 1, *, seconds: float = 0) -> Soak:
    """
    Make calls, kind after kind, from many threads.

    Args:
        calls: At least how many.
        threads: By how many threads, each with the same client.
        share: Of the requests that meet a fault, 0 to 1.
        seed: Of the dice.
        seconds: At least how long.
    """
    soak, numbers, lock, began = Soak(), itertools.count(), threading.Lock(), time.monotonic()
    kinds = list(KINDS)
    with serving(share, seed) as (kwargs, pid):
        client = make_client(kwargs)

        def work() -> None:
            while (number := next(numbers)) < calls or time.monotonic() - began < seconds:
                kind = kinds[number % len(kinds)]
                ended, fine = outcome(client, kind)
                with lock:
                    soak.ends[kind, ended] += 1
                    soak.strange[kind, ended] += not fine
                    if number % _LOOK == 0:
                        soak.memory.append(_resident(pid))

        workers = [threading.Thread(target=work) for _ in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        soak.memory.append(_resident(pid))
        client.close()
    soak.seconds, soak.strange = time.monotonic() - began, +soak.strange
    return soak


def _resident(pid: int) -> float:
    """Read the resident memory of a process, in MiB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024


def main(arguments: list[str]) -> int:
    """Run by the command line, and tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=20_000)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--faults", type=float, default=0.05)
    parser.add_argument("--seed", type=int, default=1)
    told: Any = parser.parse_args(arguments)
    soak = run(told.calls, told.threads, told.faults, told.seed, seconds=told.seconds)
    for (kind, ended), count in sorted(soak.ends.items()):
        print(f"{count:7}  {kind:14} {ended}{'   <- strange' if soak.strange[kind, ended] else ''}")
    total = sum(soak.ends.values())
    print(f"\n{total} calls by {told.threads} threads in {soak.seconds:.0f} s, {soak.failed} of them failed;", end=" ")
    print(f"the fake has {soak.memory[-1]:.1f} MiB, {soak.growth:+.1f} since its first fifth")
    return 1 if soak.strange or soak.growth > MOST_GROWTH else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
