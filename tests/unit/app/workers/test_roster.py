"""When workers are started again."""

from hypothesis import given
from hypothesis import strategies as st

from reactor.app.workers.roster import Roster


class Crew:
    """Three workers, and a clock that tests turn."""

    def __init__(self, *, complete: bool = True) -> None:
        self.now = 1000.0
        self.roster = Roster(3, clock=lambda: self.now)
        if complete:
            self.all_serve()

    def all_serve(self) -> list[bool]:
        return [self.roster.serves(number) for number in (1, 2, 3)]


def test_all_serve_for_the_first_time_once():
    crew = Crew(complete=False)
    assert crew.all_serve() == [False, False, True]
    assert crew.roster.serving == [1, 2, 3]
    crew.roster.ended(2)
    assert crew.roster.serving == [1, 3]
    assert crew.roster.serves(2) is False


def test_clients_are_let_in_when_all_could_serve_and_later_at_once():
    crew = Crew(complete=False)
    assert crew.roster.opened(1) == []
    assert crew.roster.opened(3) == []
    crew.roster.ended(3)
    assert crew.roster.opened(2) == [], "the third has gone"
    assert crew.roster.opened(3) == [1, 2, 3]
    crew.all_serve()
    crew.roster.ended(2)
    assert crew.roster.opened(2) == [2]


def test_who_ends_before_all_have_served_is_not_started_again():
    crew = Crew(complete=False)
    assert crew.roster.ended(1) is None, "it never served"
    crew.roster.serves(1)
    crew.roster.serves(2)
    assert crew.roster.ended(2) is None, "the third did not come"
    assert not crew.roster.complete
    assert crew.roster.restarts == 0


def test_who_ends_again_and_again_is_waited_for_longer_and_longer():
    crew = Crew()
    pauses: list[float | None] = []
    for _ in range(10):
        pauses.append(crew.roster.ended(2))
        crew.roster.serves(2)
    assert pauses == [0.5, 1, 2, 4, 8, 16, 30, 30, 30, 30]
    assert crew.roster.ended(3) == 0.5, "each has a pause of its own"


def test_who_served_for_a_while_is_started_again_soon():
    crew = Crew()
    for _ in range(5):
        crew.roster.ended(2)
        crew.roster.serves(2)
    crew.now += 59.0
    assert crew.roster.ended(2) == 16
    crew.roster.serves(2)
    crew.now += 60.0
    assert crew.roster.ended(2) == 0.5


def test_a_start_that_fails_later_counts_as_an_end():
    crew = Crew()
    assert crew.roster.ended(1) == 0.5
    crew.now += 3600
    assert crew.roster.ended(1) == 1, "it has not served in between"


@given(st.lists(st.tuples(st.integers(1, 3), st.booleans()), max_size=60))
def test_pauses_stay_within_bounds_and_restarts_are_counted(steps: list[tuple[int, bool]]):
    crew, ends = Crew(), 0
    for number, serves in steps:
        if serves:
            crew.roster.serves(number)
            continue
        pause = crew.roster.ended(number)
        ends += 1
        assert pause is not None
        assert 0.5 <= pause <= 30
    assert crew.roster.restarts == ends
