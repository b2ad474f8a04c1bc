"""Whose word is taken for where a client is."""

import pytest

from reactor.sync.forwarded import Proxies

LOCAL = "127.0.0.1, ::1, 10.0.0.0/8"


@pytest.mark.parametrize(
    ("address", "forwarded", "client"),
    [
        ("127.0.0.1", "1.2.3.4", "1.2.3.4"),
        ("::1", "1.2.3.4", "1.2.3.4"),
        ("127.0.0.1", "6.6.6.6, 1.2.3.4", "1.2.3.4"),
        ("127.0.0.1", "1.2.3.4, 10.1.2.3", "1.2.3.4"),
        ("127.0.0.1", "10.1.1.1, 10.1.2.3", "10.1.1.1"),
        ("127.0.0.1", "1.2.3.4:5678", "1.2.3.4"),
        ("127.0.0.1", "[2001:db8::1]:5678", "2001:db8::1"),
        ("127.0.0.1", "2001:db8::1", "2001:db8::1"),
        ("127.0.0.1", "nonsense", "127.0.0.1"),
        ("127.0.0.1", "", "127.0.0.1"),
        ("127.0.0.1", None, "127.0.0.1"),
        ("5.5.5.5", "1.2.3.4", "5.5.5.5"),
        ("testclient", "1.2.3.4", "testclient"),
        (None, "1.2.3.4", None),
    ],
)
def test_only_proxies_that_are_named_are_believed(address: str | None, forwarded: str | None, client: str | None):
    assert Proxies(LOCAL).client(address, forwarded) == client


def test_none_is_believed_when_it_is_off_and_all_when_all_are_named():
    assert Proxies("off").client("127.0.0.1", "1.2.3.4") == "127.0.0.1"
    assert Proxies("0.0.0.0/0, ::/0").client("5.5.5.5", "1.2.3.4, 9.9.9.9") == "1.2.3.4"
