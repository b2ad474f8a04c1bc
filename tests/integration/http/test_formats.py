"""Values in the three formats, over all the way from a request to the answer."""

import json
import math
from typing import Any

import pytest

from tests.integration.http.api import Api

ENCODED, CLEAN, EXPORT = "convex_encoded_json", "json", "export_json"

VALUES: dict[str, tuple[Any, str, str, str]] = {
    "number": (1, "1", "1", "1.0"),
    "fraction": (1.5, "1.5", "1.5", "1.5"),
    "minus zero": ({"$float": "AAAAAAAAAIA="}, '{"$float":"AAAAAAAAAIA="}', "-0.0", "-0.0"),
    "nan": ({"$float": "AAAAAAAA+H8="}, '{"$float":"AAAAAAAA+H8="}', '"NaN"', '{"$float":"AAAAAAAA+H8="}'),
    "infinity": ({"$float": "AAAAAAAA8H8="}, '{"$float":"AAAAAAAA8H8="}', '"Infinity"', '{"$float":"AAAAAAAA8H8="}'),
    "less": ({"$float": "AAAAAAAA8P8="}, '{"$float":"AAAAAAAA8P8="}', '"-Infinity"', '{"$float":"AAAAAAAA8P8="}'),
    "int64": ({"$integer": "BQAAAAAAAAA="}, '{"$integer":"BQAAAAAAAAA="}', '"5"', "5"),
    "bytes": ({"$bytes": "ABCD"}, '{"$bytes":"ABCD"}', '"ABCD"', '{"$bytes":"ABCD"}'),
    "text": ('a "$x" ä', '"a \\"$x\\" ä"', '"a \\"$x\\" ä"', '"a \\"$x\\" ä"'),
    "nothing": (None, "null", "null", "null"),
    "nested": (
        {"b": [{"$integer": "AQAAAAAAAAA="}, True], "a": {}},
        '{"a":{},"b":[{"$integer":"AQAAAAAAAAA="},true]}',
        '{"a":{},"b":["1",true]}',
        '{"a":{},"b":[1,true]}',
    ),
}


@pytest.mark.parametrize("name", VALUES)
async def test_a_value_there_and_back(boxes: Api, name: str):
    value, encoded, clean, export = VALUES[name]
    await boxes.value("mutation", "boxes:put", {"name": name, "value": value})
    for format, text in (
        (ENCODED, encoded),
        ("convex_json", encoded),
        (CLEAN, clean),
        ("convex_clean_json", clean),
        (EXPORT, export),
    ):
        response = await boxes.post("query", "boxes:take", {"name": name}, format=format)
        assert response.text == f'{{"status":"success","value":{text}}}'


async def test_the_data_of_an_error_is_in_the_format_too(boxes: Api, api: Api):
    response = await api.post("action", "members:refuse", format=EXPORT)
    assert '"errorData":["no",1.0]' in response.text


@pytest.mark.parametrize(
    ("client", "encoded"),
    [
        (None, False),
        ("npm-1.48.0", False),
        ("npm-1.4.1", False),
        ("npm-1.4.0", True),
        ("npm-cli-1.4.0", True),
        ("python-0.5.0", False),
        ("python-0.4.9", True),
        ("rust-0.1.0", False),
        ("somebody-0.0.1", False),
    ],
)
async def test_what_a_client_expects_that_names_no_format(boxes: Api, client: str | None, encoded: bool):
    headers = {} if client is None else {"Convex-Client": client}
    response = await boxes.post("mutation", "boxes:put", {"name": "x", "value": {"$bytes": "ABCD"}}, headers=headers)
    assert response.json()["value"] == ({"$bytes": "ABCD"} if encoded else "ABCD")


async def test_run_answers_in_clean_json_whoever_asks(boxes: Api):
    headers = {"Convex-Client": "npm-1.4.0"}
    args = {"name": "x", "value": {"$integer": "BQAAAAAAAAA="}}
    response = await boxes.http.post("/api/run/boxes/put", json={"args": args}, headers=headers)
    assert response.json()["value"] == "5"
    response = await boxes.http.post("/api/run/boxes/put", json={"args": args, "format": ENCODED}, headers=headers)
    assert response.json()["value"] == {"$integer": "BQAAAAAAAAA="}


async def test_values_that_begin_on_the_server(boxes: Api):
    made = await boxes.value("query", "boxes:made", format=CLEAN)
    assert (made["integer"], made["negative"]) == (str(2**63 - 1), str(-(2**63)))
    assert (made["nan"], made["infinity"], made["minusInfinity"]) == ("NaN", "Infinity", "-Infinity")
    assert math.copysign(1, made["minusZero"]) == -1
    assert (made["tenth"], made["whole"]) == (0.1, 3)
    assert made["nested"] == [[None, True], {"deep": ["0"]}]
    exported = json.loads((await boxes.post("query", "boxes:made", format=EXPORT)).text)["value"]
    assert (exported["integer"], exported["nested"][1]) == (2**63 - 1, {"deep": [0]})
