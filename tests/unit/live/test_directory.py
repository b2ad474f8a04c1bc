"""Which subscriptions share one live query, who gets one of their own, and what a commit makes dirty."""

from reactor.live.directory import Directory
from reactor.live.live_query import Result
from reactor.runtime.identity import ANONYMOUS
from tests.unit.live.clients import ADMIN, ANN, BOB, Client, commit, point, reads, subscribe


def causes(directory: Directory) -> dict[str, str]:
    """What must run, by path, and why."""
    return {live.path: reason.cause for live, reason in directory.dirty.items()}


# Sharing


def test_equal_questions_share_one_live_query():
    directory = Directory()
    first, second = subscribe(directory, Client()), subscribe(directory, Client(), query_id=7)
    assert first.live is second.live
    assert (len(directory), directory.subscriptions) == (1, 2)
    assert causes(directory) == {"rooms:list": "subscribed"}


def test_other_questions_do_not():
    directory = Directory()
    lives = {
        subscribe(directory, Client()).live,
        subscribe(directory, Client(), "rooms:get").live,
        subscribe(directory, Client(), args=b"[1]").live,
        subscribe(directory, Client(), journal="page 1").live,
    }
    assert len(lives) == len(directory) == 4
    assert list(directory) == list(directory.dirty)


def test_who_joins_later_finds_the_result():
    directory = Directory()
    live = subscribe(directory, Client()).live
    reads(directory, live, b"k")
    live.result = Result(b"QueryUpdated", b"1}", b"1", None)
    later = subscribe(directory, Client(BOB))
    assert later.live is live
    assert directory.dirty == {}


def test_long_arguments_are_told_apart_and_not_kept_twice():
    directory = Directory()
    long, longer = b"x" * 10_000, b"x" * 10_001
    first = subscribe(directory, Client(), args=long)
    assert subscribe(directory, Client(), args=long).live is first.live
    assert subscribe(directory, Client(), args=longer).live is not first.live
    assert len(first.live.key[1]) < 100
    assert first.live.args == long


def test_the_last_who_leaves_ends_it():
    directory = Directory()
    first, second = subscribe(directory, Client()), subscribe(directory, Client())
    live = first.live
    reads(directory, live, b"k")
    directory.unsubscribe(first)
    assert not live.closed
    directory.unsubscribe(second)
    assert live.closed
    assert (len(directory), directory.subscriptions) == (0, 0)
    directory.news([commit(b"k")])
    assert directory.dirty == {}
    assert subscribe(directory, Client()).live is not live


def test_a_run_that_ends_after_everybody_left_leaves_nothing():
    directory = Directory()
    subscription = subscribe(directory, Client())
    directory.unsubscribe(subscription)
    directory.read(subscription.live, [point(b"k")], looked_at_identity=True)
    directory.news([commit(b"k")])
    assert directory.dirty == {}
    assert len(directory) == 0


# Identities


def test_identities_share_what_does_not_look_at_them():
    directory = Directory()
    lives = {subscribe(directory, Client(identity)).live for identity in (ANN, BOB, ANONYMOUS, ADMIN)}
    [live] = lives
    reads(directory, live, b"k")
    assert live.shared
    assert len(directory) == 1


def test_a_function_that_looks_is_run_for_each_identity():
    directory = Directory()
    subscriptions = {client: subscribe(directory, client) for client in map(Client, (ANN, BOB, ANN, ANONYMOUS))}
    live = next(iter(subscriptions.values())).live
    reads(directory, live, b"k", looked=True)
    groups = {client.identity.key: subscription.live for client, subscription in subscriptions.items()}
    assert len(set(groups.values())) == len(directory) == 3
    assert groups[ANN.key] is live
    assert [s.live.identity.key for s in subscriptions.values()] == [client.identity.key for client in subscriptions]
    # Only those that have no result of their own yet must run.
    assert set(directory.dirty) == {groups[BOB.key], groups[ANONYMOUS.key]}
    assert directory.subscriptions == 4


def test_who_comes_after_a_split_joins_his_own():
    directory = Directory()
    ann, bob = subscribe(directory, Client(ANN)), subscribe(directory, Client(BOB))
    reads(directory, ann.live, b"k", looked=True)
    assert subscribe(directory, Client(ANN)).live is ann.live
    assert subscribe(directory, Client(BOB)).live is bob.live
    carol = subscribe(directory, Client())
    assert carol.live not in (ann.live, bob.live)
    reads(directory, carol.live, b"k", looked=True)
    assert len({ann.live, bob.live, carol.live}) == len(directory) == 3


def test_an_answer_for_the_admin_never_reaches_others():
    """Looking an internal function up counts as looking at who asks."""
    directory = Directory()
    admin, guest = Client(ADMIN), Client()
    secret = subscribe(directory, admin, "secrets:list")
    joined = subscribe(directory, guest, "secrets:list")
    assert joined.live is secret.live, "before the first run nobody knows"
    reads(directory, secret.live, b"k", looked=True)
    secret.live.result = Result(b"QueryUpdated", b'"secret"}', b"secret", None)
    assert joined.live is not secret.live
    assert joined.live.identity is ANONYMOUS
    assert joined.live.result is None
    assert list(secret.live.subscriptions) == [secret]


def test_a_split_after_the_first_subscriber_has_left():
    directory = Directory()
    ann, bob = subscribe(directory, Client(ANN)), subscribe(directory, Client(BOB))
    old = ann.live
    reads(directory, old, b"k")
    directory.unsubscribe(ann)
    reads(directory, old, b"k", looked=True)
    assert old.closed
    assert list(directory) == [bob.live]
    assert bob.live.identity is BOB
    directory.unsubscribe(bob)
    assert len(directory) == directory.subscriptions == 0


def test_another_identity_stays_with_what_is_shared():
    directory, client = Directory(), Client(ANN)
    subscription = subscribe(directory, client)
    live = subscription.live
    reads(directory, live, b"k")
    client.identity = BOB
    directory.identity_changed(subscription)
    assert subscription.live is live
    assert directory.dirty == {}


def test_another_identity_leaves_what_was_for_one():
    directory, client = Directory(), Client(ANN)
    subscription = subscribe(directory, client)
    old = subscription.live
    reads(directory, old, b"k", looked=True)
    old.journal = "page 1"
    client.identity = BOB
    directory.identity_changed(subscription)
    assert old.closed
    assert subscription.live.identity is BOB
    assert subscription.live.journal == "page 1", "the page stays where it was"
    assert causes(directory) == {"rooms:list": "subscribed"}
    directory.identity_changed(subscription)
    assert list(directory) == [subscription.live]


def test_two_who_sign_in_alike_share():
    directory = Directory()
    first, second = Client(ANN), Client(ANN)
    subscriptions = [subscribe(directory, first), subscribe(directory, second)]
    reads(directory, subscriptions[0].live, b"k", looked=True)
    for client, subscription in zip((first, second), subscriptions, strict=True):
        client.identity = BOB
        directory.identity_changed(subscription)
    assert subscriptions[0].live is subscriptions[1].live
    assert len(directory) == 1


# Dirt


def test_a_commit_touches_those_who_read_its_keys():
    directory = Directory()
    rooms, users = subscribe(directory, Client()), subscribe(directory, Client(), "users:list")
    reads(directory, rooms.live, b"a", b"b")
    reads(directory, users.live, b"c")
    directory.news([commit(b"x", ts=4), commit(b"b", ts=5), commit(b"a", ts=6, source="rooms:remove")])
    assert list(directory.dirty) == [rooms.live]
    reason = directory.dirty[rooms.live]
    assert (reason.cause, reason.ts, reason.source) == ("commit", 5, "rooms:add")
    assert (reason.key, reason.range) == (b"b", point(b"b"))
    directory.news([commit(b"c", index=2)])
    assert list(directory.dirty) == [rooms.live]


def test_only_the_newest_reads_count():
    directory = Directory()
    live = subscribe(directory, Client()).live
    reads(directory, live, b"a", b"b")
    reads(directory, live, b"b", b"c")
    directory.news([commit(b"a")])
    assert directory.dirty == {}
    directory.news([commit(b"c")])
    assert list(directory.dirty) == [live]


def test_new_code_makes_everything_dirty():
    directory = Directory()
    old, new = subscribe(directory, Client()), subscribe(directory, Client(), "users:list")
    reads(directory, old.live, b"a")
    directory.all_dirty("code")
    assert causes(directory) == {"rooms:list": "code", "users:list": "subscribed"}
    assert new.live in directory.dirty
    assert directory.generation == 1


def test_trying_again_skips_what_has_ended():
    directory = Directory()
    kept, gone = subscribe(directory, Client()), subscribe(directory, Client(), "users:list")
    reads(directory, kept.live)
    reads(directory, gone.live)
    directory.unsubscribe(gone)
    directory.again([kept.live, gone.live])
    assert causes(directory) == {"rooms:list": "retry"}


def test_taking_what_has_never_run():
    directory = Directory()
    ran, shared, looked = (subscribe(directory, Client(ANN), path) for path in ("a", "b", "c"))
    guest = subscribe(directory, Client(), "c")
    ran.live.result = looked.live.result = Result(b"QueryUpdated", b"1}", b"1", None)
    reads(directory, looked.live, looked=True)
    assert guest.live is not looked.live
    assert list(directory.take_new(private=True)) == [guest.live]
    assert list(directory.take_new()) == [shared.live]
    assert list(directory.dirty) == [ran.live]
