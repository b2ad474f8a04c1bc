"""Clients of the application tests/apps/lists, and the history of what they did, for tests.support.elle to check."""

from tests.support.lists.faults import EXCUSE, Faults
from tests.support.lists.load import Load

__all__ = ["EXCUSE", "Faults", "Load"]
