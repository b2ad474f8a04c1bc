"""The server dies and comes back: windows go on by themselves, and nothing that was said is lost or said twice."""

import re

from playwright.sync_api import expect

from tests.browser.test_windows import begin
from tests.support.browser import Windows
from tests.support.school import School

OFFLINE = "The server does not answer."


def bear_a_dead_server(windows: Windows) -> None:
    # The connection that was cut, and the attempts at another one until there is somebody to connect to.
    windows.allow(r"console error: WebSocket connection to 'ws://127\.0\.0\.1:\d+/api/[\d.]+/sync' failed: ")
    # A browser asks for the icon when it finds the time.
    windows.allow(r"failed: http://127\.0\.0\.1:\d+/icon\.svg net::ERR_CONNECTION_REFUSED")
    windows.allow(r"console error: Failed to load resource: net::ERR_CONNECTION_REFUSED \(http://[\d.:]+/icon\.svg\)")


def test_windows_outlive_a_killed_server(school: School, windows: Windows):
    bear_a_dead_server(windows)
    here = school.as_user(windows, school.STUDENT, "/conversations")
    there = school.as_user(windows, school.STUDENT, begin(here))
    staff = school.as_user(windows, school.ADMIN, "/overview")
    revenue = staff.locator("[data-figure='Revenue'] .value")
    expect(revenue).to_have_text(re.compile(r"\d"))
    before = revenue.inner_text()
    expect(there.get_by_label("Message")).to_be_focused()
    with school.killed():
        for page in (here, there, staff):
            expect(page.get_by_role("status")).to_contain_text(OFFLINE)
        expect(revenue).to_have_text(before)  # what was known last is still there to read
        here.get_by_label("Message").fill("Is anybody there?")
        here.keyboard.press("Enter")
        expect(here.locator(".message.user[data-sending]")).to_have_text("Is anybody there?")
    for page in (here, there):
        expect(page.get_by_text(OFFLINE)).to_have_count(0)
        expect(page.locator(".message.user:not([data-sending])")).to_have_text(["Is anybody there?"])
        expect(page.locator(".message.assistant p")).to_contain_text("You wrote: “Is anybody there?”")
    expect(staff.get_by_text(OFFLINE)).to_have_count(0)
    # News, in both directions, and the message from before is still there once.
    there.get_by_label("Message").fill("Yes.")
    there.keyboard.press("Enter")
    expect(here.locator(".message.user")).to_have_text(["Is anybody there?", "Yes."])
    here.reload()
    expect(here.locator(".message.user")).to_have_text(["Is anybody there?", "Yes."])


def test_what_the_dying_server_was_told_is_kept_once(school: School, windows: Windows):
    bear_a_dead_server(windows)
    here = school.as_user(windows, school.STUDENT, "/conversations")
    there = school.as_user(windows, school.STUDENT, begin(here))
    expect(there.get_by_label("Message")).to_be_focused()
    here.get_by_label("Message").fill("One.")
    here.keyboard.press("Enter")
    # It may die before the message, after it was stored, or while its answer is written.
    with school.killed():
        expect(here.get_by_role("status")).to_contain_text(OFFLINE)
    for page in (here, there):
        expect(page.get_by_text(OFFLINE)).to_have_count(0)
        expect(page.locator(".message.user:not([data-sending])")).to_have_text(["One."])
    here.get_by_label("Message").fill("Two.")
    here.keyboard.press("Enter")
    expect(there.locator(".message.user")).to_have_text(["One.", "Two."])
    expect(there.locator(".message.assistant p").last).to_contain_text("You wrote: “Two.”")
