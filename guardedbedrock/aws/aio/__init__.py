"""
The guarded aiobotocore client.

The stages, the gate and the errors are those of the sync client; this room has only what must be awaited. aiobotocore is optional
(the extra ``aio``), so this room is imported only when a client of aiobotocore is created.
"""

from __future__ import annotations

from guardedbedrock.aws.botocore_contract import check_aiobotocore

check_aiobotocore()
