"""
Turns HTTP into operations and back, for any REST-JSON service model of botocore; knows nothing of Bedrock.

    request    Routes.match -> parse -> Rules.check     -> operation name and boto3-style params
    answer     serialize                                <- what the operation gives, or a `ServiceError`
"""

from guardedbedrock.testing.wire.constraints import Rules
from guardedbedrock.testing.wire.messages import Answer, Incoming, Output, Params, ServiceError
from guardedbedrock.testing.wire.parsing import parse
from guardedbedrock.testing.wire.routing import Match, Routes, load, routes
from guardedbedrock.testing.wire.serializing import serialize

__all__ = [
    "Answer",
    "Incoming",
    "Match",
    "Output",
    "Params",
    "Routes",
    "Rules",
    "ServiceError",
    "load",
    "parse",
    "routes",
    "serialize",
]
