"""How many processes are to serve."""

import os

import pytest

from reactor.app.workers.supervisor import worker_count
from reactor.settings import Settings


def test_a_number_is_taken_as_it_is():
    assert worker_count(Settings()) == 1
    assert worker_count(Settings(workers=7)) == 7


def test_auto_is_one_for_each_core_that_may_be_used(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 3, 5}, raising=False)
    assert worker_count(Settings(workers="auto")) == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert worker_count(Settings(workers="auto")) == 6
