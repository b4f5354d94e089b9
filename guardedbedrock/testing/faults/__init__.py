"""
Faults to inject, as data. `FakeBedrock.fault` injects them into requests.

    an error response   Fail, Deny, Throttle
    a wrong response    BadBody, WrongLength, BrokenFrame, BreakStream, Rechunk, ClockSkew
    a bad connection    Latency, TokenRate, Stall, HangUp

Faults in one call happen together: ``fake.fault(Latency(0.2), Fail(503, "ServiceUnavailableException"))``.
"""

from guardedbedrock.testing.faults.bodies import BadBody, BodyForm, BreakStream, BrokenFrame, ClockSkew, Rechunk, WrongLength
from guardedbedrock.testing.faults.errors import Deny, Fail, Throttle
from guardedbedrock.testing.faults.fault import TOO_MANY, Fault, FaultContext, HangUpError, Pieces, Sleep
from guardedbedrock.testing.faults.network import HangUp, Latency, ReplyPart, Spread, Stall, TokenRate
from guardedbedrock.testing.faults.schedule import FaultSchedule

__all__ = [
    "TOO_MANY",
    "BadBody",
    "BodyForm",
    "BreakStream",
    "BrokenFrame",
    "ClockSkew",
    "Deny",
    "Fail",
    "Fault",
    "FaultContext",
    "FaultSchedule",
    "HangUp",
    "HangUpError",
    "Latency",
    "Pieces",
    "Rechunk",
    "ReplyPart",
    "Sleep",
    "Spread",
    "Stall",
    "Throttle",
    "TokenRate",
    "WrongLength",
]
