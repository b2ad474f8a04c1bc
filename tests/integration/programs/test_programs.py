"""Random programs of functions give on the real engine what they give on a naive model of everything.

Results, errors and who caught them, what is stored afterwards by every index, and what live queries have seen and how
often they ran must be the same, on each store. What failed leaves nothing.
"""

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from reactor.testing import Backend
from tests.integration.programs.budgets import Limits
from tests.integration.programs.strategies import limits, steps
from tests.integration.programs.trial import Trial
from tests.support.profile import BRIEF, NIGHTLY
from tests.support.server import APPS


@pytest.fixture
def loop() -> Iterator[asyncio.Runner]:
    """One loop for many examples in turn."""
    with asyncio.Runner() as runner:
        yield runner


def rounds(usual: int, nightly: int) -> settings:
    """So many programs. What fails is shown once, as small as it gets; an explanation would take minutes more."""
    return settings(
        max_examples=nightly if NIGHTLY else usual // 5 if BRIEF else usual,
        report_multiple_bugs=False,
        phases=[phase for phase in Phase if phase is not Phase.explain],
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


async def attempt(limits: Limits, program: list[Any], *, data: Path | None = None) -> None:
    """Run a program and compare; what is on the disk is compared once more after closing and opening it."""
    backend = Backend(
        APPS / "programs",
        data=data,
        max_documents_read=limits.documents_read,
        max_documents_written=limits.documents_written,
        max_nested_calls=limits.nested_calls,
    )
    async with backend:
        trial = Trial(backend, limits)
        await trial.steps(program)
    if data is not None:
        async with backend:
            await trial.survey()


@pytest.mark.stores("sqlite", because="keeps its data in memory")
@pytest.mark.timeout(7200 if NIGHTLY else 300)
@rounds(250, nightly=8_000)
@given(limits=limits, program=steps)
def test_programs_in_memory(loop: asyncio.Runner, limits: Limits, program: list[Any]) -> None:
    loop.run(attempt(limits, program))


@pytest.mark.timeout(7200 if NIGHTLY else 300)
@rounds(100, nightly=2_500)
@given(limits=limits, program=steps)
def test_programs_on_the_disk(loop: asyncio.Runner, tmp_path: Path, limits: Limits, program: list[Any]) -> None:
    data = tmp_path / "data"
    shutil.rmtree(data, ignore_errors=True)
    loop.run(attempt(limits, program, data=data))
