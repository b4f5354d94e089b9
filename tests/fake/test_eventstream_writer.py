"""Frames that botocore's reader can parse."""

from __future__ import annotations

import json

import pytest
from botocore.eventstream import ChecksumMismatch, EventStreamBuffer
from hypothesis import given
from hypothesis import strategies as st

from guardedbedrock.testing.wire import eventstream

TEXT = st.text(max_size=40)
HEADERS = st.dictionaries(st.text(min_size=1, max_size=20), TEXT, max_size=5)
FRAMES = st.lists(st.tuples(HEADERS, st.binary(max_size=300)), max_size=6)


@given(frames=FRAMES, data=st.data())
def test_botocore_parses_the_frames_wherever_the_bytes_are_split(
    frames: list[tuple[dict[str, str], bytes]], data: st.DataObject
) -> None:
    wire = b"".join(eventstream.frame(headers, payload) for headers, payload in frames)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(wire)), max_size=10)))
    buffer = EventStreamBuffer()
    read = []

    for start, end in zip([0, *cuts], [*cuts, len(wire)], strict=True):
        buffer.add_data(wire[start:end])
        read += [(message.headers, message.payload) for message in buffer]

    assert read == frames


@given(payload=st.binary(min_size=1, max_size=100), data=st.data())
def test_a_flipped_bit_is_detected(payload: bytes, data: st.DataObject) -> None:
    wire = bytearray(eventstream.frame({"a": "b"}, payload))
    wire[data.draw(st.integers(12, len(wire) - 1))] ^= 1
    buffer = EventStreamBuffer()
    buffer.add_data(bytes(wire))

    with pytest.raises(ChecksumMismatch):
        next(buffer)


def _read(wire: bytes) -> tuple[dict[str, str], bytes]:
    buffer = EventStreamBuffer()
    buffer.add_data(wire)
    message = next(buffer)
    return message.headers, message.payload


def test_an_event_has_its_name_and_a_json_payload() -> None:
    headers, payload = _read(eventstream.event("messageStop", {"stopReason": "end_turn"}))

    assert headers == {":event-type": "messageStop", ":content-type": "application/json", ":message-type": "event"}
    assert json.loads(payload) == {"stopReason": "end_turn"}


def test_an_exception_has_its_name_and_a_message() -> None:
    headers, payload = _read(eventstream.exception("throttlingException", {"message": "slow down"}))

    assert headers[":exception-type"] == "throttlingException"
    assert headers[":message-type"] == "exception"
    assert json.loads(payload) == {"message": "slow down"}


def test_an_error_is_all_headers() -> None:
    headers, payload = _read(eventstream.error("Broken", "gone"))

    assert headers == {":error-code": "Broken", ":error-message": "gone", ":message-type": "error"}
    assert payload == b""
