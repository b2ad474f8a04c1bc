"""What the terminal shows of what several workers tell."""

from typing import Any

from reactor.app.workers.chorus import Chorus


class Stage:
    def __init__(self) -> None:
        self.shown: list[tuple[str, dict[str, Any]]] = []
        self.chorus = Chorus(lambda kind, **fields: self.shown.append((kind, fields)))

    def kinds(self) -> list[str]:
        return [kind for kind, _ in self.shown]


def test_a_log_line_says_which_worker():
    stage = Stage()
    stage.chorus.tell(2, "log", {"function": "a:b", "line": "[LOG] 'x'"})
    assert stage.shown == [("log", {"function": "a:b", "line": "[LOG] 'x'", "worker": 2})]


def test_what_is_common_to_all_has_no_number():
    stage = Stage()
    stage.chorus.tell(3, "migration", {"name": "m", "state": "success"})
    assert stage.shown == [("migration", {"name": "m", "state": "success"})]


def test_what_all_tell_is_shown_once():
    stage = Stage()
    for _ in range(2):
        for number in (1, 2, 3):
            stage.chorus.tell(number, "loaded", {"functions": []})
    assert stage.kinds() == ["loaded", "loaded"]


def test_it_is_shown_once_in_whatever_order_they_tell():
    stage = Stage()
    for number in (1, 1, 2, 3, 2, 3, 1):
        stage.chorus.tell(number, "loaded", {})
    assert stage.kinds() == ["loaded"] * 3


def test_kinds_do_not_hide_each_other():
    stage = Stage()
    stage.chorus.tell(1, "loaded", {})
    stage.chorus.tell(2, "reload_failed", {"error": "no"})
    assert stage.kinds() == ["loaded", "reload_failed"]


def test_who_begins_later_is_not_behind_the_others():
    stage = Stage()
    for number in (1, 2):
        stage.chorus.tell(number, "sign_in", {})
    stage.chorus.begins(2)
    stage.chorus.tell(2, "sign_in", {})
    assert stage.kinds() == ["sign_in", "sign_in"], "that is news: the first has told nothing like it"


def test_news_of_a_kind_that_nobody_knows_has_a_number():
    stage = Stage()
    stage.chorus.tell(1, "something_new", {"x": 1})
    assert stage.shown == [("something_new", {"x": 1, "worker": 1})]
