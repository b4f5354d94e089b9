"""Loads YAML. This module is separate because PyYAML is an optional dependency."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import yaml

from guardedbedrock.iam.language.documents import Object

if TYPE_CHECKING:
    from collections.abc import Iterator

_MAP: Final = "tag:yaml.org,2002:map"
_MERGE: Final = "tag:yaml.org,2002:merge"
_TIMESTAMP: Final = "tag:yaml.org,2002:timestamp"
_FastestLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Loader(_FastestLoader):  # type: ignore[misc]  # chosen at run time
    """A safe loader that detects repeated keys, and loads dates as text, so that ``Version: 2012-10-17`` needs no quotes."""

    yaml_implicit_resolvers: Final = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag != _TIMESTAMP]
        for first, resolvers in _FastestLoader.yaml_implicit_resolvers.items()
    }


def _object(loader: Any, node: Any) -> Iterator[Object]:
    made = Object()
    yield made
    counts = Counter(key.value for key, _ in node.value if key.tag != _MERGE and isinstance(key.value, str))
    made.repeated = next((key for key, count in counts.items() if count > 1), None)
    made.update(loader.construct_mapping(node))


Loader.add_constructor(_MAP, _object)
