"""Every page of the school, in windows of different sizes and colours, and what the address says about it."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import Windows
from tests.support.school import School

DASHBOARDS = {
    "overview": ("Revenue", "Orders", "New customers", "Essays handed in", "Quality of reviews"),
    "revenue": ("Net revenue", "Gross", "Refunds", "Orders", "Average order"),
    "customers": ("New", "Active", "Gone", "Revenue each"),
    "quality": ("Overall", "Structure", "Argument", "Style", "Grammar"),
    "operations": ("Handed in", "Reviewed", "Failed", "Time for a review"),
}
OTHERS = ("conversations", "essays", "essays/new")
PAGES = (*DASHBOARDS, *OTHERS)
PHONE = {"width": 390, "height": 844}


def settled(page: Page) -> None:
    """Wait until nothing on the page says that it is still loading."""
    expect(page.locator("main").locator("h1, h2").filter(visible=True).first).to_be_visible()
    expect(page.locator(".ghost, .ghostline, .splash")).to_have_count(0)


def figure(page: Page, name: str) -> str:
    return page.locator(f"[data-figure='{name}'] .value").inner_text()


def walk(page: Page, name: str) -> None:
    """Go to a page as a link of the page itself does, without loading everything again."""
    page.evaluate("path => { history.pushState(null, '', path) }", f"/{name}")
    settled(page)


def test_dashboards_have_figures_and_charts(school: School, windows: Windows):
    page = school.as_user(windows, school.ADMIN)
    for name, figures in DASHBOARDS.items():
        page.get_by_role("navigation").get_by_role("link", name=name.title()).click()
        expect(page).to_have_url(re.compile(f"/{name}$"))
        expect(page).to_have_title(f"{name.title()} · School")
        settled(page)
        for each in figures:
            assert re.search(r"\d", figure(page, each)), f"{each} on {name}"
        expect(page.locator(".recharts-surface path[d]")).not_to_have_count(0)


def test_the_time_is_in_the_address(school: School, windows: Windows):
    page = school.as_user(windows, school.ADMIN, "/revenue")
    settled(page)
    times = page.get_by_role("group", name="Time")
    month = figure(page, "Orders")
    times.get_by_role("button", name="12 months").click()
    expect(page).to_have_url(re.compile(r"/revenue\?range=last12months$"))
    orders = page.locator("[data-figure='Orders'] .value")
    expect(orders).not_to_have_text(month)
    year = orders.inner_text()
    page.reload()
    expect(orders).to_have_text(year)
    expect(times.get_by_role("button", name="12 months")).to_have_attribute("aria-pressed", "true")
    page.go_back()
    expect(orders).to_have_text(month)
    page.go_forward()
    expect(orders).to_have_text(year)
    page.get_by_role("link", name="Quality").click()  # another dashboard is about the same time
    expect(page).to_have_url(re.compile(r"/quality\?range=last12months$"))
    page.keyboard.press("Alt+5")
    expect(page).to_have_url(re.compile(r"/operations\?range=last12months$"))
    settled(page)


def test_days_of_ones_own_are_typed(school: School, windows: Windows):
    page = school.as_user(windows, school.ADMIN, "/overview")
    settled(page)
    page.get_by_role("button", name="From … to …").click()
    page.get_by_label("From", exact=True).focus()
    page.keyboard.type("03032025")  # as people type: every key on the way to the year 2025 is another day
    expect(page).to_have_url(re.compile(r"/overview\?start=2025-03-03$"))
    page.get_by_label("To", exact=True).fill("2025-03-20")
    expect(page).to_have_url(re.compile(r"start=2025-03-03&end=2025-03-20$"))
    expect(page.get_by_role("button", name=re.compile("2025-03-03 . 2025-03-20"))).to_be_visible()
    page.get_by_role("button", name="7 days").click()
    expect(page).to_have_url(re.compile(r"/overview\?range=last7days$"))
    settled(page)


def test_customers_are_narrowed_and_paged(school: School, windows: Windows):
    page = school.as_user(windows, school.ADMIN, "/customers")
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(12)
    page.get_by_role("button", name="Show more").click()
    expect(rows).to_have_count(36)
    page.get_by_role("button", name="yearly").click()
    expect(page).to_have_url(re.compile(r"plan=yearly$"))
    expect(page.locator("tbody tr td:nth-child(2)", has_text=re.compile("single|monthly"))).to_have_count(0)
    expect(rows.first).to_contain_text("yearly")
    page.reload()
    expect(rows.first).to_contain_text("yearly")
    page.go_back()
    expect(page.locator("tbody tr td:nth-child(2)", has_text="single").first).to_be_visible()


def test_search_finds_essays_while_its_words_are_typed(school: School, windows: Windows):
    page = school.as_user(windows, school.ADMIN, "/essays")
    settled(page)
    box = page.get_by_role("searchbox", name="Search essays")
    box.press_sequentially("homew")
    expect(page).to_have_url(re.compile(r"\?q=homew$"))
    found = page.locator(".threads li")
    expect(found.first).to_contain_text("homework")
    first = found.first.get_by_role("link")
    title = first.locator("strong").inner_text()
    first.click()
    expect(page.locator(".panetop h2")).to_have_text(title)
    expect(box).to_have_value("homew")  # the list stays as it was found
    page.reload()
    expect(found.first).to_contain_text("homework")
    page.go_back()
    expect(page).to_have_url(re.compile(r"/essays\?q=homew$"))
    box.fill("zzzz")
    expect(page.get_by_text("No essay has these words")).to_be_visible()
    page.go_back()  # at once, and not letter by letter
    expect(page).not_to_have_url(re.compile(r"q="))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_page_is_wider_than_a_phone(school: School, windows: Windows, theme: str):
    page = school.as_user(windows, school.ADMIN, viewport=PHONE, color_scheme=theme)
    for name in PAGES:
        walk(page, name)
        assert_fits(page, name)
    walk(page, "customers")
    page.locator("tbody tr button").first.click()
    expect(page.get_by_role("dialog")).to_contain_text("New order")
    assert_fits(page, "a customer")
    page.get_by_role("button", name="Close").click()
    for name in ("conversations", "essays"):
        walk(page, name)
        if page.locator(".threads a").count():
            page.locator(".threads a").first.click()
            expect(page.locator(".panetop h2")).to_be_visible()
            settled(page)
            assert_fits(page, f"one of {name}")
            page.get_by_role("link", name="Back to the list").click()
            expect(page.locator(".threads a").first).to_be_visible()


def assert_fits(page: Page, name: str) -> None:
    width, seen = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert width <= seen, f"{name} is {width} pixels wide where {seen} are seen"


def test_colours_follow_the_system_until_somebody_chooses(school: School, windows: Windows):
    page = school.as_user(windows, school.STUDENT, color_scheme="dark")
    dark, light = "rgb(14, 14, 19)", "rgb(246, 246, 249)"
    body = page.locator("body")
    expect(body).to_have_css("background-color", dark)
    page.emulate_media(color_scheme="light")
    expect(body).to_have_css("background-color", light)
    page.get_by_role("button", name="Dark colours").click()
    expect(body).to_have_css("background-color", dark)
    page.reload()
    expect(body).to_have_css("background-color", dark)
    page.get_by_role("button", name="Light colours").click()
    expect(body).to_have_css("background-color", light)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_stands_out(school: School, windows: Windows, theme: str):
    """Contrast as WCAG 2.1 counts it: 4.5 to 1, and 3 to 1 for large letters."""
    page = school.as_user(windows, school.ADMIN, color_scheme=theme)
    for name in PAGES:
        walk(page, name)
        assert not page.evaluate(FAINT), name


FAINT = """() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const over = (top, below) => {
    const share = top[3] / 255;
    return [0, 1, 2].map((part) => top[part] * share + below[part] * (1 - share)).concat(255);
  };
  const light = (colour) => {
    const [red, green, blue] = colour.map((part) => {
      const value = part / 255;
      return value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const behind = (element) => {
    const layers = [];
    for (let each = element; each; each = each.parentElement) layers.push(rgba(getComputedStyle(each).backgroundColor));
    return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255, 255]);
  };
  const faint = [];
  const walker = document.createTreeWalker(document.querySelector("#root"), NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || element.closest("svg, [aria-hidden], :disabled, .skip")) continue;
    if (!element.checkVisibility()) continue;
    const style = getComputedStyle(element);
    const ground = behind(element);
    const [a, b] = [light(over(rgba(style.color), ground)), light(ground)];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const large = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && style.fontWeight >= 700);
    if (ratio < (large ? 3 : 4.5)) faint.push(`${walker.currentNode.data.trim().slice(0, 40)}: ${ratio.toFixed(2)}`);
  }
  return faint;
}"""


@pytest.mark.parametrize(
    ("path", "title"),
    [
        ("/conversations/none", "This cannot be shown"),
        ("/essays/none", "This cannot be shown"),
        ("/overview?range=sometimes", "This cannot be shown"),
    ],
)
def test_an_address_that_asks_for_nothing_says_so(school: School, windows: Windows, path: str, title: str):
    windows.allow(r"console error: \[CONVEX Q\(")
    page = school.as_user(windows, school.ADMIN, path)
    expect(page.get_by_role("alert")).to_contain_text(title)
    page.get_by_role("alert").get_by_role("link", name="To the first page").click()
    expect(page).to_have_url(re.compile("/overview$"))
    settled(page)


def test_an_unknown_address_leads_to_the_first_page(school: School, windows: Windows):
    page = school.as_user(windows, school.ADMIN, "/nowhere")
    expect(page).to_have_url(re.compile("/overview$"))
    student = school.as_user(windows, school.STUDENT, "/revenue")  # a page of the staff
    expect(student).to_have_url(re.compile("/conversations$"))
    expect(student.get_by_role("link", name="Revenue")).to_have_count(0)
