"""The many ways to name a function."""

from __future__ import annotations

import pytest

from reactor.cli.function_path import function_path
from reactor.errors import FunctionNotFound


@pytest.mark.parametrize(
    ("typed", "path"),
    [
        ("messages:send", "messages:send"),
        (" messages:send ", "messages:send"),
        ("messages.py:send", "messages:send"),
        ("messages.js:send", "messages:send"),
        ("functions/messages.py:send", "messages:send"),
        ("./functions/messages.py:send", "messages:send"),
        ("admin/users:count", "admin/users:count"),
        ("api.messages.send", "messages:send"),
        ("internal.admin.users.count", "admin/users:count"),
        ("api.py:send", "api:send"),
        ("_system/cli/modules:apiSpec", "_system/cli/modules:apiSpec"),
    ],
)
def test_it_finds_the_one_name(typed: str, path: str) -> None:
    assert function_path(typed) == path


@pytest.mark.parametrize("typed", ["", "messages", ":send", "messages:", "functions/:send", "api.", "api.messages"])
def test_it_says_what_is_missing(typed: str) -> None:
    with pytest.raises(FunctionNotFound, match="FILE:FUNCTION"):
        function_path(typed)
