"""The profile of a run of the tests reaches hypothesis and the limits of time."""

import os
import subprocess
import sys
from pathlib import Path

import hypothesis

from tests.support.profile import BRIEF, NIGHTLY

ROOT = Path(__file__).parents[2]


def collected(profile: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "--collect-only", "tests/unit/test_profile.py"]
    environment = {**os.environ, "REACTOR_TEST_PROFILE": profile}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def test_hypothesis_uses_the_profile() -> None:
    assert hypothesis.settings().max_examples == (3_000 if NIGHTLY else 25 if BRIEF else 100)


def test_a_night_may_take_longer() -> None:
    run = collected("nightly")
    assert run.returncode == 0, run.stdout
    assert "timeout: 3600" in run.stdout


def test_a_profile_that_does_not_exist_is_refused() -> None:
    run = collected("hourly")
    assert run.returncode != 0
    assert 'REACTOR_TEST_PROFILE is "default", "brief" or "nightly", not \'hourly\'' in run.stderr
