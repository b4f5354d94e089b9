"""
Tests of the chatbot with the pytest plugin of guardedbedrock.

Shows an answer, an intervention, a denial and a throttled call. No test needs credentials or a network.
"""

from __future__ import annotations

import pytest
from chatbot import answer

from guardedbedrock.testing import FakeGuardrail

HR = FakeGuardrail("abc123def456", version="3", name="hr", denied_words=("salary",))
pytestmark = pytest.mark.guardedbedrock(guardrails=[HR])


def test_an_answer_is_guarded(guardedbedrock_server, guardedbedrock_client):
    guardedbedrock_server.reply("Twelve days.")

    assert answer(guardedbedrock_client, "How many days of leave do I have?") == "Twelve days."
    guardedbedrock_server.calls.assert_guarded_by("hr", version="3")


def test_an_intervention_changes_the_subject(guardedbedrock_client):
    assert answer(guardedbedrock_client, "What is the salary of my boss?") == "Let us talk about something else."


def test_a_denial_is_explained(guardedbedrock_server, guardedbedrock_client):
    guardedbedrock_server.deny("Converse", by="scp")

    assert answer(guardedbedrock_client, "How many days of leave do I have?") == "I may not answer that."


def test_a_throttled_call_is_repeated(guardedbedrock_server, guardedbedrock_client):
    guardedbedrock_server.fail_next(429, "ThrottlingException", "Too many requests")

    assert answer(guardedbedrock_client, "Hello") == "You said: Hello"
    assert len(guardedbedrock_server.requests) == 2
