"""Service models of botocore, changed and written where ``AWS_DATA_PATH`` finds them."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import botocore
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

DATA: Final = Path(botocore.__file__).parent / "data"
INFERENCE: Final = ("Converse", "ConverseStream", "InvokeModel", "InvokeModelWithResponseStream")


def load_model(service: str) -> dict[str, Any]:
    """Load the model of a service that botocore is installed with."""
    (path,) = sorted(DATA.glob(f"{service}/*/service-2.json*"))[-1:]
    data = path.read_bytes()
    model: dict[str, Any] = json.loads(gzip.decompress(data) if path.suffix == ".gz" else data)
    return model


def control_plane_with_inference() -> dict[str, Any]:
    """Return the model of ``bedrock``, with the inference operations of ``bedrock-runtime`` added."""
    control, runtime = load_model("bedrock"), load_model("bedrock-runtime")
    added = {name: runtime["operations"][name] for name in INFERENCE}
    shapes = {**control["shapes"], **runtime["shapes"]}
    return {**control, "operations": {**control["operations"], **added}, "shapes": shapes}


@pytest.fixture(name="write_model")
def write_service_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Write a service model under a name, as ``aws configure add-model`` does; keywords change its metadata."""
    monkeypatch.setenv("AWS_DATA_PATH", str(tmp_path))
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)

    def write(name: str, model: dict[str, Any], **metadata: str) -> None:
        folder = tmp_path / name / "2023-09-30"
        folder.mkdir(parents=True)
        changed = {**model, "metadata": {**model["metadata"], **metadata}}
        (folder / "service-2.json").write_text(json.dumps(changed), "utf-8")

    return write
