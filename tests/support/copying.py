"""`reactor copy` in a process of its own, beside the server whose data it copies."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from tests.support.patience import PATIENCE, until

__all__ = ["NEAR", "Copying"]

NEAR = "The copy is close behind."


class Copying:
    """One run of the command. As a context manager it makes sure that the process is gone at the end."""

    def __init__(self, log: Path, *options: str, environment: dict[str, str] | None = None) -> None:
        self._log = log
        self.arguments: Sequence[str] = (str(Path(sys.executable).parent / "reactor"), "copy", *options)
        usual = {"PYTHONUNBUFFERED": "1", "NO_COLOR": "1", "COLUMNS": "200"}
        self._environment = {**os.environ, **usual, **(environment or {})}

    def __enter__(self) -> Self:
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                self.arguments,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment,
                cwd=self._log.parent,
            )
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    @property
    def said(self) -> str:
        """Everything printed so far."""
        return self._log.read_text()

    def until(self, text: str) -> None:
        """Wait until it has said something, which it must say before it ends."""

        def there() -> bool:
            ended = self.process.poll() is not None
            found = text in self.said
            assert found or not ended, self.said
            return found

        until(there, lambda: f"{text!r} of the copy, which printed:\n{self.said}")

    def end(self, code: int = 0) -> str:
        """Wait until it ends by itself; gives what it printed."""
        try:
            ended = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the copy did not end; it printed:\n{self.said}") from None
        assert ended == code, self.said
        assert "Traceback" not in self.said
        return self.said

    def interrupt(self) -> None:
        """Ctrl-C."""
        self.process.send_signal(signal.SIGINT)

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()
        self.process.wait()
