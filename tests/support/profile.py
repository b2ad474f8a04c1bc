"""How thorough a run of the tests is; tests/conftest.py refuses profiles that there are not."""

import os

__all__ = ["BRIEF", "NIGHTLY"]

NIGHTLY = os.environ.get("REACTOR_TEST_PROFILE") == "nightly"
"""Whether there are hours for searching."""

BRIEF = os.environ.get("REACTOR_TEST_PROFILE") == "brief"
"""Whether this is a run on a further store, of what has been searched through on the first."""
