import gc
import logging
import weakref
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest

from reactor.errors import ArgumentValidationError, ConvexError, DeveloperError, FunctionInterrupted, StoreFull
from reactor.runtime.failures import LONGEST_MESSAGE, Failure, describe, request_id, request_id_of

FIRST = "[Request ID: 44b1f86d4e489ffd] Server Error"


def raised(error: BaseException) -> BaseException:
    """The error as it comes out of a function in `functions/rooms.py`."""
    source = "def inner():\n    raise error\n\ndef find():\n\n    inner()\n"
    scope: dict[str, Any] = {"__name__": "functions.rooms", "error": error}
    exec(compile(source, str(Path("/srv/app/functions/rooms.py")), "exec"), scope)
    try:
        scope["find"]()
    except BaseException as caught:
        assert caught.__traceback__ is not None
        return caught.with_traceback(caught.__traceback__.tb_next)
    raise AssertionError("nothing was raised")


def message(error: BaseException, *, redact: bool = False) -> str:
    return describe(raised(error), "44b1f86d4e489ffd", redact=redact).message


STACK = "    at inner (functions/rooms.py:2)\n    at find (functions/rooms.py:6)\n"


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError("no such room"), "Uncaught ValueError: no such room"),
        (ValueError(), "Uncaught ValueError"),
        (KeyError("x"), "Uncaught KeyError: 'x'"),
        (ConvexError("full"), "Uncaught ConvexError: full"),
        (ConvexError({"b": 1, "a": None}), 'Uncaught ConvexError: {"a":null,"b":1}'),
        (ConvexError(), "Uncaught ConvexError: null"),
        (DeveloperError("Document too large."), "Document too large."),
        (ArgumentValidationError("bad"), "ArgumentValidationError: bad"),
        (StoreFull("The disk is full."), "The disk is full."),
        (
            FunctionInterrupted("Function execution timed out (maximum duration: 1s)"),
            "Function execution timed out (maximum duration: 1s)",
        ),
        (ExceptionGroup("tasks", [ExceptionGroup("inner", [ConvexError("full")])]), "Uncaught ConvexError: full"),
    ],
)
def test_texts_of_errors(error: BaseException, text: str) -> None:
    assert message(error).startswith(f"{FIRST}\n{text}\n")
    assert message(error, redact=True) == FIRST


def test_the_stack_has_the_applications_frames_innermost_first() -> None:
    assert message(ValueError("no such room")) == f"{FIRST}\nUncaught ValueError: no such room\n{STACK}"


def test_an_error_without_frames_has_no_stack() -> None:
    failure = describe(DeveloperError("Could not find public function for 'rooms:nope'."), "id")
    assert failure.message == "[Request ID: id] Server Error\nCould not find public function for 'rooms:nope'.\n"


def test_the_text_of_a_failure_is_whole_and_without_request_id() -> None:
    failure = describe(raised(ValueError("no such room")), "44b1f86d4e489ffd", redact=True)
    assert (failure.message, failure.request_id) == (FIRST, "44b1f86d4e489ffd")
    assert failure.text == f"Uncaught ValueError: no such room\n{STACK}"


@pytest.mark.parametrize(
    ("data", "encoded"),
    [(None, b"null"), ("full", b'"full"'), ({"code": 1}, b'{"code":1}'), (float("nan"), b'{"$float":"AAAAAAAA+H8="}')],
)
def test_data_goes_along_in_production_too(data: Any, encoded: bytes) -> None:
    assert describe(ConvexError(data), "id", redact=True).data == encoded
    assert describe(ConvexError(data), "id").data == encoded


def test_other_errors_have_no_data() -> None:
    assert describe(ValueError(), "id").data is None


@pytest.mark.parametrize("data", [{1, 2}, {"$bad": 1}, [object()], "x" * 17_000_000])
def test_data_that_is_no_value_is_said_and_left_out(data: Any) -> None:
    failure = describe(ConvexError(data), "id")
    assert failure.data is None
    assert failure.text.startswith("ConvexError with invalid data: ")


def test_several_errors_at_once_stay_a_group() -> None:
    text = describe(ExceptionGroup("two", [ValueError("a"), ValueError("b")]), "id").text
    assert text == "Uncaught ExceptionGroup: two (2 sub-exceptions)\n"


class Mute(Exception):
    def __str__(self) -> str:
        raise RuntimeError("cannot speak")


def test_an_error_that_cannot_be_shown_is_named() -> None:
    assert describe(Mute(), "id").text == "Uncaught Mute: (no text: its __str__ raised RuntimeError)\n"


def test_long_messages_are_cut() -> None:
    text = describe(ValueError("é" * LONGEST_MESSAGE), "id").text
    assert len(text.encode()) <= LONGEST_MESSAGE + 1 == 65_537


def test_a_message_can_always_be_sent() -> None:
    failure = describe(raised(ValueError("\ud800")), "id")
    assert msgspec.json.encode(failure.message)


def test_deep_stacks_are_shortened() -> None:
    scope: dict[str, Any] = {"__name__": "functions.rooms"}
    exec(compile("def dig(n):\n    dig(n - 1) if n else 1 / 0\n", "/srv/app/functions/rooms.py", "exec"), scope)
    with pytest.raises(ZeroDivisionError) as caught:
        scope["dig"](50)
    lines = describe(caught.value, "id").text.splitlines()
    assert len(lines) == 34
    assert lines[1] == "    at dig (functions/rooms.py:2)"
    assert lines[-1].endswith("more)")


class Snapshot: ...


def test_a_failure_keeps_nothing_alive_but_the_error() -> None:
    def run() -> None:
        snapshot = Snapshot()
        gone.append(weakref.ref(snapshot))
        try:
            raise ValueError("first")
        except ValueError as error:
            raise KeyError("second") from error

    gone: list[weakref.ref[Any]] = []
    failures: list[Failure] = []
    try:
        run()
    except KeyError as error:
        failures.append(describe(error, "id"))
    gc.collect()
    assert gone[0]() is None
    assert isinstance(failures[0].error, KeyError)


def test_an_error_inside_of_reactor_is_logged_with_its_frames(caplog: pytest.LogCaptureFixture) -> None:
    describe(raised(ValueError("a function's own")), "id")
    assert caplog.records == []
    with pytest.raises(AttributeError) as caught:
        describe(cast("Exception", None), "id")
    describe(caught.value, "id")
    (record,) = caplog.records
    assert "failures.py" in str(record.exc_text or logging.Formatter().format(record))


def test_request_ids() -> None:
    assert request_id_of("00000000-0000-4000-8000-000000000001", 7) == "44b1f86d4e489ffd"
    assert len({request_id() for _ in range(100)}) == 100
    assert all(len(bytes.fromhex(request_id())) == 8 for _ in range(3))
