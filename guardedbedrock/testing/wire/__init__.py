"""
The REST-JSON protocol, for any service model of the installed botocore. Nothing in this package is specific to Bedrock.

    request    Routes.match -> parse -> ShapeValidator.check    -> operation name and boto3-style parameters
    response   serialize                                        <- `OperationOutput` or `ServiceError`
"""

from guardedbedrock.testing.wire.json_bodies import json_type, read_json
from guardedbedrock.testing.wire.messages import ApiParams, HttpRequest, HttpResponse, OperationOutput, ServiceError
from guardedbedrock.testing.wire.parser import parse
from guardedbedrock.testing.wire.routes import RouteMatch, Routes, routes
from guardedbedrock.testing.wire.serializer import recorded_stream, serialize
from guardedbedrock.testing.wire.validator import ShapeValidator

__all__ = [
    "ApiParams",
    "HttpRequest",
    "HttpResponse",
    "OperationOutput",
    "RouteMatch",
    "Routes",
    "ServiceError",
    "ShapeValidator",
    "json_type",
    "parse",
    "read_json",
    "recorded_stream",
    "routes",
    "serialize",
]
