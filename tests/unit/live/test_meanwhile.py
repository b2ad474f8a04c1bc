"""What a query may have missed while it ran."""

from reactor.live.meanwhile import Meanwhile, touch
from tests.unit.live.clients import commit, point


def test_commits_touch_ranges():
    commits = [commit(b"a", ts=1), commit(b"b", b"c", ts=2)]
    assert touch(commits, [point(b"x"), point(b"c")])
    assert not touch(commits, [point(b"x"), point(b"c", index=2)])
    assert not touch(commits, [])
    assert not touch([], [point(b"a")])


def test_a_run_misses_what_came_after_it_began():
    meanwhile = Meanwhile()
    meanwhile.begin()
    meanwhile.news([commit(b"a", ts=5), commit(b"b", ts=6)])
    assert meanwhile.touched([point(b"a")], 4)
    assert not meanwhile.touched([point(b"a")], 5)
    assert meanwhile.touched([point(b"b")], 5)
    assert not meanwhile.touched([point(b"c")], 4)


def test_nothing_is_remembered_when_no_run_is_under_way():
    meanwhile = Meanwhile()
    meanwhile.news([commit(b"a", ts=5)])
    meanwhile.begin()
    meanwhile.begin()
    meanwhile.news([commit(b"a", ts=6)])
    meanwhile.end()
    assert meanwhile.touched([point(b"a")], 5), "the other run goes on"
    meanwhile.end()
    meanwhile.begin()
    assert not meanwhile.touched([point(b"a")], 6)


def test_of_too_many_commits_it_only_knows_that_they_were():
    meanwhile = Meanwhile()
    meanwhile.begin()
    keys = [b"%d" % number for number in range(5000)]
    meanwhile.news([commit(*keys, ts=6)])
    assert meanwhile.touched([point(b"c")], 5)
    assert not meanwhile.touched([point(b"c")], 6)
    meanwhile.news([commit(b"c", ts=7)])
    assert meanwhile.touched([point(b"c")], 6)
