"""A school, a browser, and windows in it. No test here passes when a page complained about anything."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.support.browser import Windows, browser, watched
from tests.support.patience import PATIENCE
from tests.support.school import School

expect.set_options(timeout=PATIENCE * 1000)


# Not for the session: while Playwright runs, no test on an event loop can.
@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    with browser() as running:
        yield running


@pytest.fixture(scope="package")
def school(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[School]:
    # Behind the browser: where that is missing, nothing is seeded.
    with School(tmp_path_factory.mktemp("school") / "data") as school:
        yield school


@pytest.fixture
def windows(chromium: Browser, school: School, tmp_path: Path) -> Iterator[Windows]:
    with watched(chromium, school.url, tmp_path) as windows:
        yield windows
