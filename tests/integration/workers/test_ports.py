"""One port that several processes listen on, and nobody else."""

import socket
from collections import Counter
from pathlib import Path

import pytest

from reactor.app.addresses import Listeners, listen
from reactor.app.workers.ports import joined, share
from reactor.errors import SettingsError
from reactor.settings import Settings
from tests.support.patience import PATIENCE


def settings_of(tmp_path: Path, port: int = 0) -> Settings:
    return Settings(data=tmp_path, port=port, site_port=0)


def joining(shared: Listeners) -> Listeners:
    assert shared.site is not None
    # As a process does that inherits them.
    return joined(shared.main.dup().detach(), shared.site.dup().detach(), 30.0)


def test_all_that_joined_get_connections_and_who_has_left_none(tmp_path: Path):
    shared = listen(settings_of(tmp_path))
    share(shared)
    crew = [joining(shared) for _ in range(3)]
    try:
        for each in crew:
            each.main.listen(256)
            assert (each.port, each.site_port) == (shared.port, shared.site_port)
        assert all(accepted(crew, shared.port).values())
        crew.pop().close()
        counts = accepted(crew, shared.port)
        assert sum(counts.values()) == 60, "nobody waits for one that is gone"
    finally:
        for each in (*crew, shared):
            each.close()


def accepted(crew: list[Listeners], port: int) -> Counter[int]:
    """How many of 60 connections each of them is given."""
    clients = [socket.create_connection(("127.0.0.1", port), PATIENCE) for _ in range(60)]
    counts: Counter[int] = Counter(dict.fromkeys(range(len(crew)), 0))
    for number, each in enumerate(crew):
        each.main.setblocking(False)
        while True:
            try:
                each.main.accept()[0].close()
            except BlockingIOError:
                break
            counts[number] += 1
    for client in clients:
        client.close()
    return counts


def test_the_port_is_taken_for_others_before_and_after_the_first_listens(tmp_path: Path):
    shared = listen(settings_of(tmp_path))
    share(shared)
    with pytest.raises(SettingsError, match="Address already in use"):
        listen(settings_of(tmp_path, shared.port))
    first = joining(shared)
    first.main.listen()
    with pytest.raises(SettingsError, match="Address already in use"):
        listen(settings_of(tmp_path, shared.port))
    first.close()
    shared.close()


def test_a_port_is_free_again_with_connections_that_linger(tmp_path: Path):
    shared = listen(settings_of(tmp_path))
    share(shared)
    first = joining(shared)
    first.main.listen()
    client = socket.create_connection(("127.0.0.1", shared.port), PATIENCE)
    served, _ = first.main.accept()
    served.close()  # who closes first has the connection lingering
    assert client.recv(1) == b""
    client.close()
    port = shared.port
    first.close()
    shared.close()
    listen(settings_of(tmp_path, port)).close()
