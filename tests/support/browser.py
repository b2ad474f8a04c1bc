"""The system's Chromium, driven by Playwright, and what goes wrong in a page without anybody seeing it."""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Error, Page, Request, Response, sync_playwright

from tests.support.patience import PATIENCE

__all__ = ["Windows", "browser", "chromium", "watched"]


def chromium() -> str:
    """The program; skips the test, with the remedy, where there is none."""
    named = os.environ.get("REACTOR_TEST_CHROMIUM")
    if named is not None and not os.access(named, os.X_OK):
        raise pytest.UsageError(f"REACTOR_TEST_CHROMIUM is {named!r}, which is no program that can be run")
    program = named or shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        pytest.skip(
            "needs Chromium: install it (on Debian: apt-get install chromium), or name it in REACTOR_TEST_CHROMIUM"
        )
    return program


@contextmanager
def browser() -> Iterator[Browser]:
    """A Chromium without a window of its own. While it runs, this thread cannot run an event loop."""
    # Its sandbox refuses to work for root, and containers seldom let it have the namespaces that it is made of.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    program = chromium()
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=program, args=arguments, timeout=PATIENCE * 1000)
        yield running
        running.close()


class Windows:
    """Windows of one browser. Each is a person at a computer of their own: cookies and storage are not shared.

    `problems` has what pages complained about: errors and warnings on the console, exceptions that nobody caught,
    requests that failed or were refused.
    """

    def __init__(self, browser: Browser, url: str) -> None:
        self._browser, self._url = browser, url
        self._contexts: list[BrowserContext] = []
        self._allowed: list[re.Pattern[str]] = []
        self._seen: list[str] = []

    def open(self, path: str = "/", **options: Any) -> Page:
        """A new window at a path. `options` are those of Playwright's new_context: `storage_state`, `viewport`…"""
        context = self._browser.new_context(base_url=self._url, locale="en-GB", **options)
        context.set_default_timeout(PATIENCE * 1000)
        self._contexts.append(context)
        context.on("console", self._console)
        context.on("weberror", lambda error: self._seen.append(f"exception: {error.error}"))
        context.on("requestfailed", self._failed)
        context.on("response", self._response)
        page = context.new_page()
        page.goto(path)
        return page

    def allow(self, pattern: str) -> None:
        """What a test provokes is no problem: lines that match a regular expression from their beginning."""
        self._allowed.append(re.compile(pattern))

    @property
    def problems(self) -> list[str]:
        return [line for line in self._seen if not any(allowed.match(line) for allowed in self._allowed)]

    def close(self) -> None:
        for context in self._contexts:
            context.close()

    def picture(self, folder: Path) -> list[Path]:
        """What all windows show now, as images in a folder: for the message of a test that failed."""
        pages = [page for context in self._contexts for page in context.pages]
        files = [folder / f"window-{number}.png" for number in range(1, len(pages) + 1)]
        for page, file in zip(pages, files, strict=True):
            try:
                page.screenshot(path=file, timeout=5_000)
            except Error:
                continue  # a window that does not answer has no picture
        return [file for file in files if file.exists()]

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self._seen.append(f"console {message.type}: {message.text} ({message.location['url']})")

    def _failed(self, request: Request) -> None:
        # Whoever leaves a page, or loads it again, ends what it was still asking for.
        if request.failure != "net::ERR_ABORTED":
            self._seen.append(f"failed: {request.url} {request.failure}")

    def _response(self, response: Response) -> None:
        if response.status >= 400:
            self._seen.append(f"refused: {response.status} {response.url}")


@contextmanager
def watched(browser: Browser, url: str, folder: Path) -> Iterator[Windows]:
    """Windows of a test, which fails when one of them complained; then images of all are in the folder."""
    windows = Windows(browser, url)
    yield windows
    pictures = windows.picture(folder)
    windows.close()
    assert not windows.problems, f"{windows.problems}; the windows at the end: {[str(each) for each in pictures]}"
