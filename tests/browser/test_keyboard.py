"""The school without a mouse."""

import re

from playwright.sync_api import Page, expect

from tests.support.browser import Windows
from tests.support.school import School


def focused(page: Page) -> str:
    """The name of what has the keyboard."""
    return page.evaluate(
        "(({ ariaLabel, innerText, placeholder }) => ariaLabel || innerText?.trim() || placeholder || '')"
        "(document.activeElement)"
    )


def test_the_tab_key_goes_through_a_page_from_its_beginning(school: School, windows: Windows):
    page = school.as_user(windows, school.STUDENT, "/essays")
    seen: list[str] = []
    for _ in range(8):
        page.keyboard.press("Tab")
        seen.append(focused(page))
    assert seen[:3] == ["To the content", "Conversations", "Essays"]
    assert [name for name in seen if name in ("Dark colours", "Light colours", "Sign out", "New", "Search essays")] == [
        "Dark colours",
        "Sign out",
        "New",
        "Search essays",
    ]


def test_the_first_key_leads_past_the_navigation(school: School, windows: Windows):
    page = school.as_user(windows, school.ADMIN, "/conversations")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="To the content")
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="New")).to_be_focused()


def test_enter_sends_and_with_shift_begins_a_line(school: School, windows: Windows):
    page = school.as_user(windows, school.STUDENT, "/conversations")
    page.get_by_role("button", name="New").press("Enter")
    box = page.get_by_label("Message")
    expect(box).to_be_focused()
    page.keyboard.press("Enter")  # nothing is there to send
    page.keyboard.type("One")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("two")
    expect(box).to_have_value("One\ntwo")
    page.keyboard.press("Enter")
    expect(box).to_have_value("")
    expect(page.locator(".message.user")).to_have_text(["One\ntwo"])
    expect(box).to_be_focused()


def test_escape_closes_a_customer_and_the_keyboard_is_where_it_was(school: School, windows: Windows):
    page = school.as_user(windows, school.ADMIN, "/customers")
    opener = page.locator("tbody tr button").nth(2)
    opener.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("New order")
    expect(page).to_have_url(re.compile("customer="))
    for _ in range(12):  # more often than there is something in it
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement === document.body || !!document.activeElement.closest('dialog')")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(page).not_to_have_url(re.compile("customer="))
    expect(opener).to_be_focused()
    page.go_back()
    expect(dialog).to_be_visible()
    page.mouse.click(20, 20)  # beside it
    expect(dialog).to_have_count(0)


def test_alt_and_a_number_go_to_a_page(school: School, windows: Windows):
    page = school.as_user(windows, school.ADMIN)
    expect(page.get_by_role("link", name="Essays", exact=True)).to_be_visible()  # nobody hears keys before
    names = ("overview", "revenue", "customers", "quality", "operations", "conversations", "essays")
    for number, name in reversed([*enumerate(names, start=1)]):
        page.keyboard.press(f"Alt+Digit{number}")
        expect(page).to_have_url(re.compile(f"/{name}$"))
        expect(page.get_by_role("link", name=name.title(), exact=True)).to_have_attribute("aria-current", "page")
