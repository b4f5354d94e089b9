"""The requests that reached the fake, and assertions on them that list what arrived when they fail."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Final, overload

from guardedbedrock.bedrock import OPERATIONS

if TYPE_CHECKING:
    from guardedbedrock.testing.guardrails import FakeGuardrail
    from guardedbedrock.testing.records import ReceivedRequest

_SHOWN: Final = 20


class Calls(Sequence["ReceivedRequest"]):
    """
    The requests so far, in the order they were answered.

        fake.calls("Converse")                    # those to one operation
        fake.calls.assert_guarded_by("hr")

    An assertion that fails lists what arrived: operation, model, guardrail and answer, and nothing of what was said.

    Args:
        read: Gives the requests of the moment, all or those to one operation.
        known: The guardrails that exist, whose names assertions take.
    """

    __slots__ = ("_known", "_read")

    def __init__(self, read: Callable[[str | None], list[ReceivedRequest]], known: Sequence[FakeGuardrail]) -> None:
        self._read, self._known = read, known

    def __call__(self, operation: str | None = None) -> list[ReceivedRequest]:
        """List the requests to one operation, such as ``Converse``, or all."""
        return self._read(operation)

    def __len__(self) -> int:
        return len(self._read(None))

    def __iter__(self) -> Iterator[ReceivedRequest]:
        return iter(self._read(None))

    @overload
    def __getitem__(self, index: int) -> ReceivedRequest: ...
    @overload
    def __getitem__(self, index: slice) -> list[ReceivedRequest]: ...
    def __getitem__(self, index: int | slice) -> ReceivedRequest | list[ReceivedRequest]:
        return self._read(None)[index]

    def __repr__(self) -> str:
        return "\n".join(self._listed(self._read(None)))

    def assert_nothing_sent(self, operation: str | None = None) -> None:
        """
        Hold that no request arrived, or none to one operation.

        Raises:
            AssertionError: Some did.
        """
        __tracebackhide__ = True
        self.assert_sent(0, operation)

    def assert_sent(self, times: int = 1, operation: str | None = None) -> None:
        """
        Hold how many requests arrived, retries counted.

        Raises:
            AssertionError: It were more or fewer.
        """
        __tracebackhide__ = True
        found = self._read(operation)
        if len(found) != times:
            wanted = f"{times or 'no'} request{'s' * (times != 1)}{f' to {operation}' if operation else ''}"
            raise AssertionError(self._told(f"expected {wanted}, but {len(found)} arrived", self._read(None)))

    def assert_guarded_by(self, guardrail: str, *, version: str | None = None, operation: str | None = None) -> None:
        """
        Hold that at least one model call arrived, and that each named this guardrail.

        Args:
            guardrail: Its name, ID or ARN.
            version: The version that each named; any unless given.
            operation: The only operation to look at.

        Raises:
            AssertionError: None arrived, or one named another guardrail or none.
        """
        __tracebackhide__ = True
        wanted = f"by `{guardrail}`{f' version {version}' if version else ''}"
        names = self._names(guardrail)
        self._hold(f"guarded {wanted}", operation, lambda pair: pair[0] in names and version in (None, pair[1]))

    def assert_guarded(self, operation: str | None = None) -> None:
        """
        Hold that at least one model call arrived, and that each named a guardrail.

        Raises:
            AssertionError: None arrived, or one named none.
        """
        __tracebackhide__ = True
        self._hold("guarded", operation, lambda _: True)

    def _hold(self, what: str, operation: str | None, fits: Callable[[tuple[str, str]], bool]) -> None:
        __tracebackhide__ = True
        found = [one for one in self._read(operation) if one.operation and OPERATIONS[one.operation].inference]
        which = f"call to {operation}" if operation else "model call"
        if not found:
            raise AssertionError(self._told(f"expected every {which} to be {what}, but none arrived", self._read(None)))
        others = [one for one in found if one.guardrail is None or not fits(one.guardrail)]
        if others:
            counted = f"{len(others)} of {len(found)} {'was' if len(others) == 1 else 'were'} not"
            raise AssertionError(self._told(f"expected every {which} to be {what}, but {counted}", found))

    def _names(self, guardrail: str) -> set[str]:
        """Find the ways in which requests name a guardrail."""
        fitting = [one for one in self._known if guardrail in (one.name, one.id, one.identifier)]
        return {guardrail} | {name for one in fitting for name in (one.id, one.identifier)}

    def _told(self, problem: str, requests: Sequence[ReceivedRequest]) -> str:
        return "\n".join([f"{problem}{'; what arrived:' if requests else ''}", *self._listed(requests)])

    def _listed(self, requests: Sequence[ReceivedRequest]) -> Iterator[str]:
        for number, one in enumerate(requests[:_SHOWN], start=1):
            yield f"  {number}. {self._line(one)}"
        if len(requests) > _SHOWN:
            yield f"  ... and {len(requests) - _SHOWN} more"

    def _line(self, one: ReceivedRequest) -> str:
        what = one.operation or f"{one.incoming.method} {one.incoming.target}"
        model = f" {one.params['modelId']}" if "modelId" in one.params else ""
        return f"{what}{model}, {self._guarded(one)}, answered {one.status}{f' {one.error}' if one.error else ''}"

    def _guarded(self, one: ReceivedRequest) -> str:
        if one.guardrail is None:
            return "no guardrail"
        identifier, version = one.guardrail
        name = next((known.name for known in self._known if known.name and identifier in (known.id, known.identifier)), "")
        return f"guardrail {identifier}{f' ({name})' if name else ''} version {version}"
