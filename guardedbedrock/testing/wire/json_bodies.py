"""Reads JSON bodies as AWS does: strictly, and in UTF-8."""

from __future__ import annotations

import json
from typing import Any, NoReturn


def read_json(body: bytes) -> Any:
    """
    Return the JSON value of a body.

    Raises:
        ValueError: The body is not JSON in UTF-8, is nested too deeply, or contains half of a surrogate pair, which is not
            valid Unicode.
    """
    try:
        text = body.decode("utf-8-sig")  # json.loads of bytes accepts other encodings, too
        value = json.loads(text, parse_constant=_reject_constant)
        if "\\u" in text:  # only an escape can be half of a pair
            json.dumps(value, ensure_ascii=False).encode()
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except UnicodeDecodeError:
        raise ValueError("not JSON in UTF-8") from None
    except UnicodeEncodeError:
        raise ValueError("not valid Unicode: half of a surrogate pair") from None
    return value


def json_type(value: object) -> str:
    """
    Return the JSON type of a value, for messages.

    >>> json_type({}), json_type(None)
    ('an object', 'null')
    """
    return next(name for kind, name in _TYPES if isinstance(value, kind))


def _reject_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_TYPES = (
    (dict, "an object"),
    (list, "an array"),
    (str, "a string"),
    (bool, "a Boolean"),
    (int, "an integer"),
    (float, "a number"),
    (object, "null"),
)
