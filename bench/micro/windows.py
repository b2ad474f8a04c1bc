"""From a click in one window to the other: how long until the page there shows it.

    python -m bench.micro.windows [ROUNDS]         in the repository's folder; `make test` installs what it needs

Two windows of one Chromium on the school application, seeded small, with its built page. The time of a click or key is
taken when the page has it, the other when the other window's document has changed; both are the clock of this machine.
Prints one JSON object: median, 95th percentile and worst of all rounds in milliseconds, for a message, an essay that
was handed in and an order.
"""

import json
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import JSHandle, Page, expect

from tests.support.browser import Windows, browser
from tests.support.patience import PATIENCE
from tests.support.school import School

NOTE_CLICKS = """() => {
  const note = () => { window.clicked = performance.timeOrigin + performance.now(); };
  window.addEventListener("click", note, true);
  window.addEventListener("keydown", note, true);
}"""

SEEN = """([selector, text]) => ({ when: new Promise((resolve) => {
  const shown = () => [...document.querySelectorAll(selector)].some((each) => each.textContent.includes(text));
  const watch = new MutationObserver(() => {
    if (!shown()) return;
    watch.disconnect();
    resolve(performance.timeOrigin + performance.now());
  });
  watch.observe(document.body, { subtree: true, childList: true, characterData: true });
}) })"""


class Pair:
    """Two windows: something is done here, and seen there."""

    def __init__(self, here: Page, there: Page) -> None:
        self.here, self.there = here, there
        here.evaluate(NOTE_CLICKS)

    def round(self, act: Callable[[], None], selector: str, text: str) -> float:
        """Milliseconds from what `act` clicks or types last, to an element there that has the text."""
        watch: JSHandle = self.there.evaluate_handle(SEEN, [selector, text])
        act()
        seen = watch.evaluate("watch => watch.when")
        return seen - self.here.evaluate("window.clicked")


def messages(school: School, windows: Windows, rounds: int) -> list[float]:
    here = school.as_user(windows, school.STUDENT, "/conversations")
    here.get_by_role("button", name="New").click()
    expect(here.get_by_role("textbox", name="Message")).to_be_focused()
    there = school.as_user(windows, school.STUDENT, here.url)
    expect(there.get_by_role("textbox", name="Message")).to_be_focused()
    pair, taken = Pair(here, there), list[float]()
    for number in range(rounds):
        text = f"Message {number:04d}."
        here.get_by_role("textbox", name="Message").fill(text)
        taken.append(pair.round(lambda: here.keyboard.press("Enter"), ".message.user", text))
        expect(there.locator(".message.assistant:not(.typing)")).to_have_count(number + 1)
        expect(there.locator(".caret")).to_have_count(0)
    return taken


def essays(school: School, windows: Windows, rounds: int) -> list[float]:
    here = school.as_user(windows, school.STUDENT, "/essays")
    there = school.as_user(windows, school.ADMIN, "/operations")
    expect(there.locator(".events li").first).to_be_visible()
    pair, taken = Pair(here, there), list[float]()
    for number in range(rounds):
        title = f"Essay {number:04d}"
        here.get_by_role("button", name="New").click()
        here.get_by_label("Title").fill(title)
        here.get_by_label("Text", exact=True).fill("Birds sing in the morning. Nobody has told them to.")
        here.get_by_role("button", name="Keep as a draft").click()
        button = here.get_by_role("button", name="Hand in")
        expect(button).to_be_visible()
        taken.append(pair.round(button.click, ".events li", f"“{title}” was handed in"))
        expect(here.locator(".panetop .badge")).to_have_text("reviewed")
    return taken


def orders(school: School, windows: Windows, rounds: int) -> list[float]:
    here = school.as_user(windows, school.ADMIN, "/customers")
    there = school.as_user(windows, school.ADMIN, "/overview")
    rows = here.locator("tbody tr button")
    expect(rows).to_have_count(12)
    while rows.count() < rounds:
        before = rows.count()
        here.get_by_role("button", name="Show more").click()
        expect(rows).not_to_have_count(before)
    pair, taken = Pair(here, there), list[float]()
    for number in range(rounds):
        name = rows.nth(number).locator("strong").inner_text()
        rows.nth(number).click()
        button = here.get_by_role("button", name="Monthly plan")
        expect(button).to_be_visible()
        taken.append(pair.round(button.click, ".events li", f"{name} ordered: Monthly plan"))
        here.keyboard.press("Escape")
        expect(here.get_by_role("dialog")).to_have_count(0)
    return taken


def summary(taken: list[float]) -> dict[str, float]:
    taken = sorted(taken)
    worst = taken[-1]
    return {
        "rounds": len(taken),
        "median_ms": round(statistics.median(taken), 1),
        "p95_ms": round(taken[min(len(taken) - 1, int(len(taken) * 0.95))], 1),
        "worst_ms": round(worst, 1),
    }


def main(rounds: int = 30) -> None:
    expect.set_options(timeout=PATIENCE * 1000)
    with tempfile.TemporaryDirectory() as folder, browser() as chromium, School(Path(folder) / "data") as school:
        results: dict[str, dict[str, float]] = {}
        for measure in (messages, essays, orders):
            windows = Windows(chromium, school.url)
            results[measure.__name__] = summary(measure(school, windows, rounds))
            windows.close()
    print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
