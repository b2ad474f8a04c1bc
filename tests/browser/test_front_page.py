"""What a server shows of itself while somebody develops with it."""

import shutil
from pathlib import Path

from playwright.sync_api import Browser, expect

from tests.support.browser import Windows
from tests.support.server import APPS, Server


def test_the_front_page_says_what_is_there_and_fits_a_phone(chromium: Browser, tmp_path: Path):
    # A copy, since a developer's server writes down the application's types.
    app = shutil.copytree(APPS / "web", tmp_path / "app")
    with Server(app, tmp_path / "data", command="dev") as server:
        windows = Windows(chromium, server.url)
        windows.allow(r"console error: Failed to load resource: .* 404 .*/favicon\.ico\)$")  # beside the plain metrics
        page = windows.open("/_reactor", viewport={"width": 390, "height": 844}, color_scheme="dark")
        expect(page.get_by_role("heading", name="Reactor is running")).to_be_visible()
        expect(page.get_by_text(server.url).first).to_be_visible()
        assert page.get_by_role("row").count() > 5
        width, seen = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
        assert width <= seen
        page.get_by_role("link", name="Metrics").click()
        expect(page.get_by_text("reactor_").first).to_be_visible()
        windows.close()
        assert not windows.problems
