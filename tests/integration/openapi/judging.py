"""What schemathesis does not look at by itself.

A function that refuses its arguments is answered with status 200, so that the checks that go by the status see nothing
of it.
"""

import sys
from typing import Any

import jsonschema
import schemathesis

__all__ = ["as_numbers", "takes_what_it_describes"]

RUN = "/api/run/"


@schemathesis.check
def takes_what_it_describes(ctx: Any, response: Any, case: Any) -> None:
    """Arguments that match the description are never refused for their shape, all others always."""
    if not case.path.startswith(RUN) or response.status_code != 200 or case.method != "POST":
        return
    args = as_numbers(_arguments(case.body))
    refused = response.json()["status"] == "error"
    for_shape = refused and "ArgumentValidationError" in response.json()["errorMessage"]
    matches = _validator(case.operation).is_valid(args)
    if matches and for_shape and not _says_more(response.json()["errorMessage"]):
        raise AssertionError(f"{args!r} matches the description and was refused")
    if not matches and not refused:
        raise AssertionError(f"{args!r} does not match the description and was taken")


def _says_more(message: str) -> bool:
    """Whether the description tells in words alone what was asked for: ids, and sizes of what is written as text."""
    return "v.id(" in message or "v.int64() /*" in message


def as_numbers(value: Any) -> Any:
    """Whole numbers as the floats that they are for functions: a multiple of twelve beyond 2^53 may come as none."""
    if isinstance(value, list):
        return [as_numbers(each) for each in value]
    if isinstance(value, dict):
        return {key: as_numbers(each) for key, each in value.items()}
    if type(value) is not int or abs(value) > sys.float_info.max:
        return value
    return int(float(value))


def _arguments(body: Any) -> Any:
    args = body.get("args", {}) if isinstance(body, dict) else {}
    return args[0] if isinstance(args, list) and len(args) == 1 else args


def _validator(operation: Any) -> jsonschema.Draft202012Validator:
    raw = operation.schema.raw_schema
    body = raw["paths"][operation.path]["post"]["requestBody"]["content"]["application/json"]["schema"]
    return jsonschema.Draft202012Validator({**body["properties"]["args"], "components": raw["components"]})
