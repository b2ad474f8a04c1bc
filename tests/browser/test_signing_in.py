"""Who comes, stays and leaves."""

import re

from playwright.sync_api import expect

from tests.support.browser import Windows
from tests.support.school import School, sign_in


def test_somebody_comes_stays_and_leaves(school: School, windows: Windows):
    page = windows.open("/essays")
    sign_in(page, "dee@example.org")
    expect(page).to_have_url(re.compile("/essays$"))  # where the link had led
    expect(page.get_by_role("heading", name="Essays")).to_be_visible()
    page.reload()
    expect(page.locator(".person")).to_contain_text("Dee")
    another = page.context.new_page()
    another.goto("/conversations")
    expect(another.locator(".person")).to_contain_text("Dee")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Welcome to the School")).to_be_visible()
    expect(another.get_by_role("heading", name="Welcome to the School")).to_be_visible()
    page.reload()
    expect(page.get_by_role("button", name="Send me a code")).to_be_visible()


def test_a_wrong_code_is_refused_and_another_address_taken(school: School, windows: Windows):
    windows.allow(r"refused: 401 .*/http/login/token$")
    windows.allow(r"console error: Failed to load resource: .* 401 ")
    page = windows.open("/")
    page.get_by_label("Email").fill("no address")
    page.get_by_role("button", name="Send me a code").click()
    expect(page.get_by_label("Code")).to_have_count(0)  # the browser itself has refused
    page.get_by_label("Email").fill("edd@example.org")
    page.keyboard.press("Enter")
    code = page.get_by_label("Code")
    expect(code).to_have_value(re.compile(r"^[0-9A-Z]{5}-[0-9A-Z]{5}$"))
    right = code.input_value()
    code.fill(right[:-1] + ("0" if right[-1] != "0" else "1"))
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_have_text("This code is wrong or too old.")
    page.get_by_role("button", name="Another address").click()
    expect(page.get_by_label("Code")).to_have_count(0)
    expect(page.get_by_role("alert")).to_have_count(0)
    page.get_by_label("Email").fill("eddie@example.org")
    page.get_by_role("button", name="Send me a code").click()
    expect(code).to_have_value(re.compile(r"^[0-9A-Z]{5}-[0-9A-Z]{5}$"))
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator(".person")).to_contain_text("Eddie")


def test_a_server_that_is_away_for_a_moment_signs_nobody_out(school: School, windows: Windows):
    page = school.as_user(windows, school.STUDENT, "/essays")
    windows.allow(r"failed: .*/http/login/refresh ")
    windows.allow(r"console error: Failed to load resource: net::ERR_CONNECTION_REFUSED")
    page.route("**/http/login/refresh", lambda route: route.abort("connectionrefused"), times=1)
    page.reload()
    expect(page.locator(".person")).to_contain_text("Cy")
