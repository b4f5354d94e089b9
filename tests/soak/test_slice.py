"""A short part of the soak for every test run; ``make soak`` runs all of it."""

from __future__ import annotations

from soak.run import run


def test_every_call_of_the_soak_ends_as_documented() -> None:
    soak = run(calls=400, threads=4, share=0.2)

    assert dict(soak.strange) == {}
    assert sum(soak.ends.values()) == 400
    assert soak.failed > 20
