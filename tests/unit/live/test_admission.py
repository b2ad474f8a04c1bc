"""Which keys were asked for before, not too long ago."""

from reactor.live.admission import Admission


def test_a_key_is_known_from_its_second_time_on():
    admission = Admission()
    assert [admission.asked(key) for key in ("a", "b", "a", "a")] == [False, False, True, True]


def test_keys_that_nobody_asks_for_again_are_forgotten():
    admission = Admission(remembered=3)
    admission.asked("old")
    for number in range(6):
        admission.asked(number)
    assert not admission.asked("old")
    assert admission.asked(5)


def test_a_key_lives_on_as_long_as_it_is_asked_for():
    admission = Admission(remembered=3)
    admission.asked("often")
    for number in range(20):
        admission.asked(number)
        assert admission.asked("often")


def test_what_was_kept_in_vain_begins_anew():
    admission = Admission(remembered=2)
    admission.asked("a")
    admission.asked("b")
    admission.asked("c")
    admission.useless("a")
    admission.useless("c")
    admission.useless("never asked for")
    assert [admission.asked(key) for key in ("a", "b", "c")] == [False, True, False]
