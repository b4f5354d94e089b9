"""
Faults on order: what can go wrong with a request, as data. `FakeBedrock.fault` says when, and to which operations.

    before the answer   Fail, Deny, Throttle
    the answer itself   BadBody, WrongLength, BrokenFrame, BreakStream, Rechunk, ClockSkew
    its way             Latency, Stall, HangUp

Faults that are given together happen together: ``fake.fault(Latency(0.2), Fail(503, "ServiceUnavailableException"))``.
"""

from guardedbedrock.testing.faults.bodies import BadBody, BreakStream, BrokenFrame, ClockSkew, Rechunk, Spoilt, WrongLength
from guardedbedrock.testing.faults.errors import Deny, Fail, Throttle
from guardedbedrock.testing.faults.fault import TOO_MANY, Fault, HangUpError, Moment, Pieces, Sleep
from guardedbedrock.testing.faults.network import HangUp, Latency, Part, Spread, Stall
from guardedbedrock.testing.faults.schedule import Schedule

__all__ = [
    "TOO_MANY",
    "BadBody",
    "BreakStream",
    "BrokenFrame",
    "ClockSkew",
    "Deny",
    "Fail",
    "Fault",
    "HangUp",
    "HangUpError",
    "Latency",
    "Moment",
    "Part",
    "Pieces",
    "Rechunk",
    "Schedule",
    "Sleep",
    "Spoilt",
    "Spread",
    "Stall",
    "Throttle",
    "WrongLength",
]
