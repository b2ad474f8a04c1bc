"""The school application with its page, as `make dev` has it: seeded, served, and with people who sign in."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import Windows
from tests.support.chosen_store import CHOSEN
from tests.support.patience import PATIENCE
from tests.support.server import REPOSITORY, Server

__all__ = ["School", "sign_in"]

PAGE = REPOSITORY / "web" / "school" / "dist" / "index.html"
KEY = "local|0123456789abcdef0123456789abcdef"


class School(Server):
    """A server of the school on a folder with a hundredth of the data that `reactor seed` makes.

    Who signed in once opens further windows with `as_user`, without another code: there are five an hour for each.
    """

    ADMIN, STUDENT = "admin@school.example", "cy@example.org"

    def __init__(self, data: Path, *, command: str = "start", scale: float = 0.01) -> None:
        if not PAGE.exists():
            pytest.skip("needs the school's page: run `make web/school/dist/.built`, which wants Node 20 or newer")
        environment = {
            "REACTOR_ADMIN_KEY": KEY,
            "SCHOOL_LOGIN": "demo",
            "SCHOOL_LOGIN_KEY": str(data.parent / "login-key.pem"),
        }
        super().__init__(REPOSITORY, data, command=command, environment=environment)
        self._seed(scale)
        self._states: dict[str, Any] = {}

    def _seed(self, scale: float) -> None:
        program = str(Path(sys.executable).parent / "reactor")
        where = ["--dir", str(REPOSITORY), "--data", str(self.data), "--scale", str(scale), "--quiet"]
        environment = {**os.environ, **CHOSEN.environment(self.data), **self.environment}
        subprocess.run(
            [program, "seed", *where], env=environment, check=True, capture_output=True, timeout=3 * PATIENCE
        )

    @contextmanager
    def paused(self) -> Iterator[None]:
        """While this lasts, the server takes what is sent and answers nothing."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    @contextmanager
    def killed(self) -> Iterator[None]:
        """A power failure; afterwards it is there again, on the same port and data."""
        self.kill()
        try:
            yield
        finally:
            self.start()

    def as_user(self, windows: Windows, email: str, path: str = "/", **options: Any) -> Page:
        """A window in which somebody is signed in, at a path and ready."""
        if email not in self._states:
            page = windows.open("/")
            sign_in(page, email)
            self._states[email] = page.context.storage_state()
            page.context.close()
        page = windows.open(path, storage_state=self._states[email], **options)
        expect(page.get_by_role("button", name="Sign out")).to_be_visible()
        return page


def sign_in(page: Page, email: str) -> None:
    """Sign in by the page's own form, and wait until somebody is in."""
    page.get_by_label("Email").fill(email)
    page.get_by_role("button", name="Send me a code").click()
    # The school is being tried out, so the code of the mail stands there already.
    expect(page.get_by_label("Code")).to_have_value(re.compile(r"^[0-9A-Z]{5}-[0-9A-Z]{5}$"))
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
