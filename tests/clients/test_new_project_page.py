"""The pages of `reactor init`: live, over edits and lost connections, and safe with what others write."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from reactor.cli.project_template import Template
from tests.support.patience import until
from tests.support.script import Event, Script, node
from tests.support.server import Server


@pytest.fixture(params=["minimal", "react"])
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def server(kind: str, tmp_path: Path) -> Iterator[Server]:
    folder = tmp_path / "chat"
    Template.read(kind, "chat").write(folder)
    with Server(folder, tmp_path / "data", command="dev") as server:
        yield server


@pytest.fixture
def pages(kind: str, server: Server) -> Iterator[tuple[Script, Script]]:
    """Two windows that show the page."""
    options = {"folder": str(server.app), "kind": kind}
    with (
        node("new_project_page.mjs", server.url, **options) as one,
        node("new_project_page.mjs", server.url, **options) as other,
    ):
        for page in (one, other):
            page.next("shown", where=lambda shown: shown["live"] and shown["hint"])
        yield one, other


def until_shown(page: Script, *texts: str) -> Event:
    return page.next("shown", where=lambda shown: shown["texts"] == list(texts))


def test_both_windows_show_what_one_writes(pages: tuple[Script, Script]):
    one, other = pages
    one.order(author="Ada", text="Hello")
    for page in pages:
        assert not until_shown(page, "Hello")["hint"]
    assert one.of("shown")[-1]["mine"] == ["Hello"]
    assert other.of("shown")[-1]["mine"] == []


def test_a_message_for_later_comes_later(pages: tuple[Script, Script]):
    one, other = pages
    one.order(author="Ada", text="later", button="In 5 s")
    one.order(author="Ada", text="now")
    until_shown(other, "now")
    until_shown(other, "now", "later")


def test_a_channel_is_entered_and_left(pages: tuple[Script, Script], server: Server):
    one, other = pages
    one.order(author="Ada", text="to all")
    until_shown(one, "to all")
    one.order(channel="quiet corner")
    assert until_shown(one)["channel"] == "quiet corner"
    one.order(author="Ada", text="to few")
    until_shown(one, "to few")
    assert [message["text"] for message in server.query("messages:newest", channel="quiet corner")] == ["to few"]
    one.order(channel="general")
    until_shown(one, "to all")
    other.order(author="Bob", text="seen")
    until_shown(one, "to all", "seen")
    assert "to few" not in str(other.of("shown"))
    until(lambda: server.metrics()["reactor_live_queries"] == 1, "the end of what nobody watches any more")


def test_what_others_write_is_text_and_no_html(pages: tuple[Script, Script]):
    one, other = pages
    one.order(author="<b>Eve</b>", text="<img src=x onerror=alert(1)>")
    until_shown(other, "<img src=x onerror=alert(1)>")


def test_a_refused_message_says_why_and_is_not_lost(pages: tuple[Script, Script], server: Server):
    one, _ = pages
    one.order(author="Ada", text="   ")
    one.next("shown", where=lambda shown: shown["problem"] == "A message needs a name and a text.")
    assert server.query("messages:newest", channel="general") == []
    one.order(author="Ada", text="Hello")
    assert until_shown(one, "Hello")["problem"] == ""


def test_an_edit_of_a_function_is_shown_without_a_reload(pages: tuple[Script, Script], server: Server):
    one, other = pages
    one.order(author="Ada", text="first")
    until_shown(other, "first")
    one.order(author="Ada", text="second")
    for page in pages:
        until_shown(page, "first", "second")
    module = Path(server.app) / "functions" / "messages.py"
    module.write_text(module.read_text().replace("return messages[::-1]", "return messages"))
    for page in pages:
        until_shown(page, "second", "first")
    assert all(shown["live"] for shown in other.of("shown")[2:])


def test_a_query_that_fails_is_said_and_the_page_recovers(pages: tuple[Script, Script], server: Server, kind: str):
    one, _ = pages
    one.order(author="Ada", text="Hello")
    until_shown(one, "Hello")
    module = Path(server.app) / "functions" / "messages.py"
    good = module.read_text()
    module.write_text(good.replace("return messages[::-1]", "return messages[-1:1:'x']"))
    one.next("shown", where=lambda shown: "TypeError" in shown["problem"])
    module.write_text(good)
    if kind == "react":
        until(lambda: server.log.count("reloaded") >= 2, "the second reload")
        one.order(button="Try again")
    assert until_shown(one, "Hello")["problem"] == ""


def test_a_channel_may_have_a_percent_sign(pages: tuple[Script, Script]):
    one, _ = pages
    one.order(channel="100%25")
    one.next("shown", where=lambda shown: shown["channel"] == "100%")
    one.order(channel="%")
    one.next("shown", where=lambda shown: shown["channel"] == "%")


def test_a_page_outlives_its_server_and_sends_what_was_written_meanwhile(pages: tuple[Script, Script], server: Server):
    one, _ = pages
    one.order(author="Ada", text="before")
    for page in pages:
        until_shown(page, "before")
    server.kill()
    for page in pages:
        page.next("shown", where=lambda shown: not shown["live"])
    one.order(author="Ada", text="meanwhile")
    server.start()
    for page in pages:
        if not until_shown(page, "before", "meanwhile")["live"]:
            page.next("shown", where=lambda shown: shown["live"])
    assert len(server.query("messages:newest", channel="general")) == 2
