"""
The guarded aiobotocore client.

The stages, the gate and the errors are those of the sync client; this room has only what must be awaited. aiobotocore is optional
(the extra ``aio``), so this room is imported only when a client of aiobotocore is created.
"""

from __future__ import annotations

from importlib import metadata

from guardedbedrock.aws.botocore_contract import check_version

# Before the modules of this room are imported: an old aiobotocore lacks names that they import.
try:
    _version = metadata.version("aiobotocore")
except metadata.PackageNotFoundError:
    pass  # `Guard.async_client` names the extra to install
else:
    check_version("aiobotocore", _version)
