"""A function's answer, and how it looks: result to stdout, log lines and errors to stderr."""

import sys

import msgspec
from rich.console import Console
from rich.highlighter import JSONHighlighter

from reactor.cli.reporting import printable, report
from reactor.errors import ProtocolError

__all__ = ["Answer", "AnswerPrinter", "read_answer"]


class Answer(msgspec.Struct, rename="camel", omit_defaults=True):
    """What `POST /api/function` gives. Values stay as they came, so that nothing is lost by reading and writing."""

    status: str
    value: msgspec.Raw = msgspec.Raw(b"null")
    error_message: str = ""
    error_data: msgspec.Raw = msgspec.Raw()  # empty: the error carries no data, which is not the data null
    log_lines: list[str] = []

    @property
    def succeeded(self) -> bool:
        """Whether there is a result rather than an error."""
        return self.status == "success"


def read_answer(raw: bytes) -> Answer:
    """Raises ProtocolError when `raw` is no answer of a function."""
    try:
        return msgspec.json.decode(raw, type=Answer)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise ProtocolError(
            "What came back is no answer of a function, so this is hardly a Reactor or Convex server. Check the URL."
        ) from None


class AnswerPrinter:
    """Prints answers as they come; `failed` tells whether the last one was an error."""

    def __init__(self) -> None:
        self.failed = False
        self._pretty = sys.stdout.isatty()

    def show(self, raw: bytes) -> None:
        """Print an answer given as JSON text."""
        self.print(read_answer(raw))

    def print(self, answer: Answer) -> None:
        """Print log lines, then the result on one line (laid out on a terminal), or the error."""
        for line in answer.log_lines:
            sys.stderr.write(printable(line) + "\n")
        self.failed = not answer.succeeded
        if self.failed:
            self._print_error(answer)
        else:
            self._print_value(bytes(answer.value))

    def _print_value(self, value: bytes) -> None:
        if self._pretty:
            text = JSONHighlighter()(msgspec.json.format(value, indent=2).decode())
            Console(soft_wrap=True).print(text)
        else:
            sys.stdout.write(msgspec.json.format(value, indent=-1).decode() + "\n")
        sys.stdout.flush()

    def _print_error(self, answer: Answer) -> None:
        report(answer.error_message.rstrip())
        if bytes(answer.error_data):
            sys.stderr.write("data: " + msgspec.json.format(bytes(answer.error_data), indent=2).decode() + "\n")
