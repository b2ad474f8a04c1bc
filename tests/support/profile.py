"""How thorough a run of the tests is; tests/conftest.py refuses profiles that there are not."""

import os

__all__ = ["NIGHTLY"]

NIGHTLY = os.environ.get("REACTOR_TEST_PROFILE") == "nightly"
"""Whether there are hours for searching."""
