"""What all calls of functions have in common: the errors of the request, and the headers of the answer."""

from reactor.openapi.operations import OF_CALLERS, with_codes
from reactor.openapi.value_schemas import Schema

__all__ = ["ANSWER_HEADERS", "RUN_ERRORS"]

ANSWER_HEADERS: Schema = {
    "Retry-After": {"$ref": "#/components/headers/RetryAfter"},
    "x-convex-deprecation-state": {"$ref": "#/components/headers/DeprecationState"},
}

RUN_ERRORS = with_codes(OF_CALLERS, {400: ("BadJsonBody", "BadFormat", "BadConvexFunctionIdentifier")})
"""Errors of every call."""
