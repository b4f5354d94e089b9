"""Image models: a small PNG of one color, which depends on the request."""

from __future__ import annotations

import base64
import hashlib
import json
import struct
import zlib
from typing import TYPE_CHECKING, Any, Final

from guardedbedrock.testing.runtime.requests.body_types import check_range, check_types

if TYPE_CHECKING:
    from collections.abc import Mapping

    from guardedbedrock.testing.resources.models import ModelFamily

_SIZE: Final = 8  # pixels on each side
_COUNT: Final = "/imageGenerationConfig/numberOfImages"
_MOST_IMAGES: Final = 5
_AMAZON: Final[Mapping[str, tuple[str, ...]]] = {"/imageGenerationConfig": ("JSONObject",), _COUNT: ("Integer",)}
_STABILITY: Final[Mapping[str, tuple[str, ...]]] = {"/seed": ("Integer",)}


def amazon(body: Mapping[str, Any], _: ModelFamily) -> dict[str, Any]:
    """Return the images of Amazon Nova Canvas and Titan Image Generator."""
    check_types(body, _AMAZON)
    count = (body.get("imageGenerationConfig") or {}).get("numberOfImages")
    count = 1 if count is None else count
    check_range(_COUNT, count, 1, _MOST_IMAGES)
    return {"images": [_image(body, number) for number in range(count)], "error": None}


def stable_diffusion(body: Mapping[str, Any], _: ModelFamily) -> dict[str, Any]:
    """Return the artifacts of Stable Diffusion XL."""
    check_types(body, _STABILITY)
    artifact = {"seed": body.get("seed") or 0, "base64": _image(body, 0), "finishReason": "SUCCESS"}
    return {"result": "success", "artifacts": [artifact]}


def stability(body: Mapping[str, Any], _: ModelFamily) -> dict[str, Any]:
    """Return the images of Stable Diffusion 3.5 and Stable Image."""
    check_types(body, _STABILITY)
    return {"seeds": [body.get("seed") or 0], "finish_reasons": [None], "images": [_image(body, 0)]}


def _image(body: Mapping[str, Any], number: int) -> str:
    digest = hashlib.sha256(f"{json.dumps(body, sort_keys=True)} {number}".encode()).digest()
    rows = (b"\x00" + digest[:3] * _SIZE) * _SIZE
    header = struct.pack("!IIBBBBB", _SIZE, _SIZE, 8, 2, 0, 0, 0)
    chunks = (_chunk(b"IHDR", header), _chunk(b"IDAT", zlib.compress(rows)), _chunk(b"IEND", b""))
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"".join(chunks)).decode()


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack("!I", len(data)) + kind + data + struct.pack("!I", zlib.crc32(kind + data))
