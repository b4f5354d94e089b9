"""
The async twin: clients of aiobotocore, guarded.

The stages, the gate and the errors are those of `guardedbedrock.aws`; what stands here is what has to be awaited. aiobotocore is
optional (the extra ``aio``), so nothing imports this room before it meets a client of aiobotocore.
"""
