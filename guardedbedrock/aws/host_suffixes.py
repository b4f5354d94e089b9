"""The host names of AWS, by the partitions of the installed botocore."""

from __future__ import annotations

from functools import cache

from botocore.loaders import Loader


@cache  # made once: the partitions of the installed botocore
def aws_host_suffixes() -> tuple[str, ...]:
    """Return the ends of the host names of AWS, each with its leading dot."""
    partitions = [partition["outputs"] for partition in Loader().load_data("partitions")["partitions"]]
    names = {outputs[kind] for outputs in partitions for kind in ("dnsSuffix", "dualStackDnsSuffix") if outputs.get(kind)}
    return tuple(sorted(f".{name}" for name in names))
