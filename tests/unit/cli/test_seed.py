"""What `reactor seed` says of its progress where no bar can be shown."""

from reactor.cli.seed import ProgressLines, Step


def test_a_line_comes_now_and_then_and_none_at_the_end():
    said, now = list[str](), [100.0]
    lines = ProgressLines(said.append, lambda: now[0])

    def after(seconds: float, done: int, following: int | None) -> None:
        now[0] += seconds
        lines.after(Step(done, 1200, following, "customers"))

    after(4.9, 1, 1)
    assert said == []
    after(0.1, 2, 2)
    after(4.9, 1100, 1100)
    assert said == ["2 of 1,200 steps: customers"]
    after(9.0, 1101, 1101)
    after(9.0, 1200, None)
    assert said == ["2 of 1,200 steps: customers", "1,101 of 1,200 steps: customers"]
