"""What happens in one window is seen in the other, without anybody asking."""

import itertools
import re
from urllib.parse import urlsplit

from playwright.sync_api import Page, expect

from tests.support.browser import Windows
from tests.support.school import School

MACHINE = "The machine"
ESSAY = "Trees are tall, but they were small once. Because they grow.\n\nThey stand still; therefore birds like them."


def begin(page: Page) -> str:
    """Begin a conversation on the page that lists them; gives its address."""
    page.get_by_role("button", name="New").click()
    expect(page).to_have_url(re.compile("/conversations/.+"))
    expect(page.get_by_text("What is your essay about?")).to_be_visible()
    return page.url


def write(page: Page, title: str) -> None:
    page.get_by_role("button", name="New").click()
    page.get_by_label("Title").fill(title)
    page.get_by_label("Text", exact=True).fill(ESSAY)
    page.get_by_role("button", name="Keep as a draft").click()
    expect(page.locator(".panetop")).to_contain_text("draft")


def test_a_message_appears_in_the_other_window(school: School, windows: Windows):
    here = school.as_user(windows, school.STUDENT, "/conversations")
    address = begin(here)
    there = school.as_user(windows, school.STUDENT, address)
    here.get_by_label("Message").fill("How do I begin? With an introduction?")
    here.keyboard.press("Enter")
    for page in (here, there):
        log = page.get_by_role("log")
        expect(log.locator(".message.user")).to_have_text(["How do I begin? With an introduction?"])
        expect(log.locator(".message.assistant p")).to_contain_text("can wait for the second paragraph.")
        # The first message names the conversation, in the list too.
        expect(page.locator(".threads a.here strong")).to_have_text("How do I begin? With an introduction?")
    there.get_by_label("Message").fill("And the conclusion?")
    there.get_by_role("button", name="Send").click()
    expect(here.locator(".message.user")).to_have_count(2)
    expect(here.locator(".message.assistant p").last).to_contain_text("one sentence earlier")


def test_a_conversation_that_is_deleted_elsewhere_says_so(school: School, windows: Windows):
    windows.allow(r"console error: \[CONVEX Q\((threads:get|messages:history)\)")
    here = school.as_user(windows, school.STUDENT, "/conversations")
    address = begin(here)
    there = school.as_user(windows, school.STUDENT, address)
    expect(there.get_by_label("Message")).to_be_focused()
    listed = there.locator(f".threads a[href='{urlsplit(address).path}']")
    expect(listed).to_be_visible()
    here.get_by_role("button", name="Delete this conversation").click()
    expect(there.get_by_role("alert")).to_contain_text("This is not here")
    expect(listed).to_have_count(0)
    expect(here.get_by_text("Ask about your essay")).to_be_visible()


def test_an_essay_is_followed_by_who_wrote_it_and_by_the_staff(school: School, windows: Windows):
    student = school.as_user(windows, school.STUDENT, "/essays")
    staff = school.as_user(windows, school.ADMIN, "/operations")
    expect(staff.locator(".events li").first).to_be_visible()
    write(student, "On trees")
    reader = school.as_user(windows, school.ADMIN, student.url)
    expect(reader.locator(".panetop")).to_contain_text("draft")
    student.get_by_role("button", name="Hand in").click()
    for page in (student, reader):
        expect(page.locator(".panetop .badge")).to_have_text("reviewed")
        expect(page.locator(".steps .badge")).to_have_text(["waiting", "in review", "done"])
        expect(page.get_by_text(MACHINE)).to_be_visible()
        expect(page.locator(".threads a.here .badge")).to_have_text("reviewed")
    events = staff.locator(".events")
    expect(events).to_contain_text("“On trees” was handed in")
    expect(events).to_contain_text(f"{MACHINE} has reviewed")


def test_an_order_appears_in_the_other_window(school: School, windows: Windows):
    here = school.as_user(windows, school.ADMIN, "/customers")
    here.locator("tbody tr button").nth(3).click()
    drawer = here.get_by_role("dialog")
    name = drawer.get_by_role("heading", level=2).inner_text()
    expect(drawer.get_by_role("button", name="Coaching hour")).to_be_visible()
    there = school.as_user(windows, school.ADMIN, here.url)
    overview = school.as_user(windows, school.ADMIN, "/overview")
    lines = there.get_by_role("dialog").locator(".lines li")
    expect(lines.first).to_be_visible()
    count = lines.count()
    drawer.get_by_role("button", name="Coaching hour").click()
    expect(lines).to_have_count(count + 1)
    expect(lines.first).to_contain_text("Coaching hour")
    expect(lines.first).to_contain_text("pending")
    expect(overview.locator(".events li").first).to_contain_text(f"{name} ordered: Coaching hour")


def test_what_is_said_is_shown_before_the_server_answers(school: School, windows: Windows):
    page = school.as_user(windows, school.STUDENT, "/conversations")
    begin(page)
    with school.paused():
        page.get_by_label("Message").fill("Is my thesis clear?")
        page.keyboard.press("Enter")
        said = page.locator(".message.user[data-sending]")
        expect(said).to_have_text("Is my thesis clear?")
        expect(page.get_by_label("The assistant is writing")).to_be_visible()
        expect(page.get_by_label("Message")).to_have_value("")
    expect(said).to_have_count(0)
    expect(page.locator(".message.user")).to_have_text(["Is my thesis clear?"])
    expect(page.locator(".message.assistant p")).to_contain_text("sharpen it.")


def test_the_assistants_answer_grows(school: School, windows: Windows):
    page = school.as_user(windows, school.STUDENT, "/conversations")
    begin(page)
    page.evaluate(GROWTH)
    page.get_by_label("Message").fill("How do paragraphs connect, and what about grammar?")
    page.keyboard.press("Enter")
    expect(page.locator(".message.assistant p")).to_contain_text("mistakes hide in the joints.")
    texts: list[str] = page.evaluate("window.texts")
    assert len(texts) > 2, texts
    assert all(longer.startswith(shorter) for shorter, longer in itertools.pairwise(texts)), texts
    expect(page.locator(".caret")).to_have_count(0)


GROWTH = """() => {
  window.texts = [];
  new MutationObserver(() => {
    const text = document.querySelector(".message.assistant p")?.textContent;
    if (text && text !== window.texts.at(-1)) window.texts.push(text);
  }).observe(document.body, { subtree: true, childList: true, characterData: true });
}"""


def test_an_essay_comes_as_a_file(school: School, windows: Windows):
    page = school.as_user(windows, school.STUDENT, "/essays/new")
    content = "Birds sing in the morning.\n\nNobody has told them to."
    file = {"name": "On birds.txt", "mimeType": "text/plain", "buffer": content.encode()}
    page.locator("input[type=file]").set_input_files(file)  # type: ignore[arg-type]
    expect(page.get_by_label("Title")).to_have_value("On birds")
    expect(page.get_by_label("Text", exact=True)).to_have_value(content)
    expect(page.get_by_text("10 words")).to_be_visible()
    page.get_by_role("button", name="Keep as a draft").click()
    expect(page.locator(".reader article p")).to_have_text(content.split("\n\n"))
    link = page.get_by_role("link", name="the file")
    kept = page.request.get(str(link.get_attribute("href")))
    assert (kept.status, kept.text()) == (200, content)
    assert kept.headers["content-type"].startswith("text/plain")


def test_an_essay_is_found_as_soon_as_it_is_there(school: School, windows: Windows):
    searching = school.as_user(windows, school.STUDENT, "/essays?q=submarine")
    expect(searching.get_by_text("No essay has these words")).to_be_visible()
    page = school.as_user(windows, school.STUDENT, "/essays")
    page.get_by_role("button", name="New").click()
    page.get_by_label("Title").fill("Below the waves")
    page.get_by_label("Text", exact=True).fill("A submarine is a boat that has changed its mind.")
    page.get_by_role("button", name="Keep as a draft").click()
    expect(searching.locator(".threads li")).to_contain_text(["Below the waves"])
