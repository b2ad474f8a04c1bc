"""Paths of functions as attributes."""

import copy
import pickle

import pytest

from reactor.runtime.path_names import PathName

api = PathName()


def test_attributes_become_a_path():
    assert str(api.rooms.list) == "rooms:list"
    assert str(api.admin.old.rooms.list) == "admin/old/rooms:list"
    assert str(api.rooms.count) == "rooms:count"
    assert str(api.rooms) == "rooms"
    assert str(api) == ""
    assert repr(api.rooms.list) == "api.rooms.list"


def test_what_python_looks_for_is_not_there():
    with pytest.raises(AttributeError, match="no attribute '__fspath__'"):
        api.__fspath__  # noqa: B018
    for attempt in (copy.copy, pickle.dumps):
        try:
            made = attempt(api.rooms.list)
        except (TypeError, AttributeError, pickle.PicklingError):
            continue
        assert made
