"""The server keeps what its description says, whatever is sent to it.

The nightly profile takes another seed each time, which a failure tells; TRIAL_SEED=… plays that one again.
"""

import os
import random
from pathlib import Path

import pytest

from tests.integration.openapi.judging import as_numbers
from tests.integration.openapi.trial import KEY, PHASES, Trial
from tests.support.profile import NIGHTLY
from tests.support.server import REPOSITORY, Server

pytestmark = pytest.mark.filterwarnings("ignore::hypothesis.errors.NonInteractiveExampleWarning")


@pytest.mark.timeout(3_600 if NIGHTLY else 240)
@pytest.mark.parametrize(
    ("app", "examples"),
    [
        pytest.param("shapes", 500 if NIGHTLY else 5, id="shapes"),
        pytest.param(REPOSITORY, 60 if NIGHTLY else 1, id="school"),
    ],
)
def test_the_server_is_as_described(tmp_path: Path, app: str | Path, examples: int):
    seed = int(os.environ.get("TRIAL_SEED") or (random.randrange(2**32) if NIGHTLY else 1))
    with Server(app, tmp_path / "data", command="dev", environment={"REACTOR_ADMIN_KEY": KEY}) as server:
        trial = Trial(server, examples=examples, seed=seed)
        assert "failed inside of Reactor" not in server.log
    assert trial.faults == [], "\n\n".join([f"seed {seed}", *trial.faults])
    assert all(trial.requests[phase] for phase in PHASES if phase != "stateful")


def test_numbers_are_judged_as_functions_get_them():
    multiple = -1042354558859553079296
    assert multiple % 12 == 0
    read = as_numbers({"all": [multiple, 12, 0.5, True, "x", None, 10**400]})
    assert read == {"all": [int(float(multiple)), 12, 0.5, True, "x", None, 10**400]}
    assert read["all"][0] % 12
