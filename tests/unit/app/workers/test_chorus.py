"""What the terminal shows of what several workers tell."""

from typing import Any

from reactor.app.workers.chorus import Chorus


class Stage:
    def __init__(self) -> None:
        self.shown: list[tuple[str, dict[str, Any]]] = []
        self.chorus = Chorus(lambda kind, **fields: self.shown.append((kind, fields)))

    def kinds(self) -> list[str]:
        return [kind for kind, _ in self.shown]

    def all_tell(self, kind: str, **fields: Any) -> None:
        for number in (1, 2, 3):
            self.chorus.tell(number, kind, {**fields, "seconds": number / 10})


def test_a_log_line_says_which_worker():
    stage = Stage()
    stage.chorus.tell(2, "log", {"function": "a:b", "line": "[LOG] 'x'"})
    stage.chorus.tell(3, "log", {"function": "a:b", "line": "[LOG] 'x'"})
    line = {"function": "a:b", "line": "[LOG] 'x'"}
    assert stage.shown == [("log", {**line, "worker": 2}), ("log", {**line, "worker": 3})]


def test_what_is_common_to_all_has_no_number():
    stage = Stage()
    stage.chorus.tell(3, "migration", {"name": "m", "state": "success"})
    assert stage.shown == [("migration", {"name": "m", "state": "success"})]


def test_what_all_tell_is_shown_once():
    stage = Stage()
    stage.all_tell("loaded", functions=["a:b"])
    assert stage.shown == [("loaded", {"functions": ["a:b"], "seconds": 0.1})]
    stage.all_tell("loaded", functions=["a:b", "a:c"])
    assert stage.kinds() == ["loaded"] * 2


def test_each_order_to_load_is_answered():
    stage = Stage()
    for _ in range(3):
        stage.chorus.reloading()
        stage.all_tell("loaded", functions=["a:b"])
    assert stage.kinds() == ["loaded"] * 3


def test_who_loads_twice_at_a_time_is_heard_once():
    stage = Stage()
    stage.chorus.reloading()
    for kind in ("loaded", "reload_overtaken", "loaded"):
        stage.all_tell(kind, functions=["a:b"])
    assert stage.kinds() == ["loaded"]


def test_the_same_trouble_may_come_again():
    stage = Stage()
    for _ in range(2):
        stage.all_tell("sign_in_failed", error="KEY is not set")
        stage.all_tell("sign_in", providers=["one"])
    assert stage.kinds() == ["sign_in_failed", "sign_in"] * 2


def test_those_that_tell_something_else_are_heard():
    stage = Stage()
    stage.chorus.tell(1, "loaded", {"functions": []})
    stage.chorus.tell(2, "reload_failed", {"error": "no"})
    stage.chorus.tell(3, "sign_in", {"providers": []})
    assert stage.kinds() == ["loaded", "reload_failed", "sign_in"]


def test_news_of_a_kind_that_nobody_knows_has_a_number():
    stage = Stage()
    stage.chorus.tell(1, "something_new", {"x": 1})
    assert stage.shown == [("something_new", {"x": 1, "worker": 1})]
