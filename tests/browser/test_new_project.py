"""The page that `reactor init` makes, in the browser that a newcomer opens: no build, and nothing to complain of."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from reactor.cli.project_template import Template
from tests.support.browser import Windows, watched
from tests.support.server import Server


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    folder = tmp_path / "chat"
    Template.read("minimal", "chat").write(folder)
    with Server(folder, tmp_path / "data", command="dev") as server:
        yield server


@pytest.fixture
def windows(chromium: Browser, server: Server, tmp_path: Path) -> Iterator[Windows]:
    with watched(chromium, server.url, tmp_path) as windows:
        yield windows


def say(page: Page, text: str) -> None:
    page.get_by_label("Message", exact=True).fill(text)
    page.keyboard.press("Enter")


def test_what_one_window_writes_another_shows_and_an_edit_reaches_both(windows: Windows, server: Server):
    here, there = windows.open(), windows.open()
    for page in (here, there):
        expect(page.get_by_role("status")).to_have_text("live")
        expect(page.get_by_text("Nobody has written yet.")).to_be_visible()
    here.get_by_label("Your name").fill("Ada")
    say(here, "first")
    expect(there.locator("#messages p")).to_have_text(["first"])
    say(here, "<b>second</b>")
    for page in (here, there):
        expect(page.locator("#messages p")).to_have_text(["first", "<b>second</b>"])
        expect(page.get_by_text("Nobody has written yet.")).to_be_hidden()
    module = Path(server.app) / "functions" / "messages.py"
    module.write_text(module.read_text().replace("return messages[::-1]", "return messages"))
    for page in (here, there):
        expect(page.locator("#messages p")).to_have_text(["<b>second</b>", "first"])


def test_enter_sends_now_and_the_name_is_remembered(windows: Windows, server: Server):
    page = windows.open("/#quiet")
    page.get_by_label("Your name").fill("Ada")
    say(page, "Hello")
    expect(page.locator("#messages .mine p")).to_have_text(["Hello"])
    page.reload()
    expect(page.get_by_label("Your name")).to_have_value("Ada")
    expect(page.locator("#messages .mine p")).to_have_text(["Hello"])
    expect(page.get_by_role("heading")).to_have_text("chat quiet")
    assert [message["author"] for message in server.query("messages:newest", channel="quiet")] == ["Ada"]


def test_it_outlives_a_killed_server_and_what_was_said_meanwhile_arrives_once(windows: Windows, server: Server):
    windows.allow(r"console error: WebSocket connection to 'ws://127\.0\.0\.1:\d+/api/sync' failed: ")
    here, there = windows.open(), windows.open()
    here.get_by_label("Your name").fill("Ada")
    say(here, "before")
    expect(there.locator("#messages p")).to_have_text(["before"])
    server.kill()
    for page in (here, there):
        expect(page.get_by_role("status")).to_have_text("connecting …")
    expect(there.locator("#messages p")).to_have_text(["before"])
    say(here, "meanwhile")
    server.start()
    for page in (here, there):
        expect(page.locator("#messages p")).to_have_text(["before", "meanwhile"])
        expect(page.get_by_role("status")).to_have_text("live")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone_and_can_be_read_in_light_and_dark(windows: Windows, server: Server, scheme: str):
    for number in range(30):
        server.mutation("messages:send", channel="general", author="Ada", text=f"{number} " + "long" * 60)
    page = windows.open(viewport={"width": 360, "height": 640}, color_scheme=scheme)
    last = page.locator("#messages p").last
    expect(last).to_be_in_viewport()  # the newest is what one wants to see
    expect(page.get_by_role("button", name="Send")).to_be_in_viewport()
    wide = "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    width, seen = page.evaluate(wide)
    assert width <= seen
    for selector in ("#messages p", "#messages time", "footer", "#state", "button:first-of-type", ".quiet"):
        assert page.locator(selector).last.evaluate(CONTRAST) >= 4.5, selector


# How much lighter the lighter one of text and ground is, as WCAG 2 counts: 4.5 is what small text needs.
CONTRAST = """element => {
  const colour = (text) => (text.match(/[\\d.]+/g) ?? [0, 0, 0, 0]).map(Number);
  const seen = (of) => of === null ? [255, 255, 255] : ground(of);
  const ground = (of) => {
    const [r, g, b, alpha = 1] = colour(getComputedStyle(of).backgroundColor);
    return alpha > 0 ? [r, g, b] : seen(of.parentElement);
  };
  const light = (rgb) => {
    const [r, g, b] = rgb.map((c) => c / 255).map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const [a, b] = [light(colour(getComputedStyle(element).color).slice(0, 3)), light(ground(element))];
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}"""
