"""A run of schemathesis against a server: what it asks follows from the server's own description."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema

from tests.integration.openapi.judging import takes_what_it_describes
from tests.support.profile import NIGHTLY
from tests.support.server import Server

__all__ = ["KEY", "PHASES", "Trial"]

PHASES = ("examples", "coverage", "fuzzing", "stateful")
KEY = "trial|secret"


class Trial:
    """`faults`: each fault once, with a request that shows it; `requests` by the phase in which they were made."""

    def __init__(self, server: Server, *, examples: int, seed: int) -> None:
        self.faults: list[str] = []
        self.requests: Counter[str] = Counter()
        self._known: set[tuple[str | None, str, str]] = set()
        config = SchemathesisConfig.from_dict(_settings(examples, seed))
        schema = schemathesis.openapi.from_url(f"{server.url}/_reactor/openapi.json", config=config)
        for event in from_schema(schema).execute():
            self._take(event)

    def _take(self, event: Any) -> None:
        if isinstance(event, events.NonFatalError | events.FatalError):
            self.faults.append(repr(event.exception if isinstance(event, events.FatalError) else event.value))
        if isinstance(event, events.ScenarioFinished):
            self.requests[event.phase.name.lower()] += len(event.recorder.interactions)
            self.faults += self._found(event)

    def _found(self, scenario: events.ScenarioFinished) -> Iterator[str]:
        for case, checks in scenario.recorder.checks.items():
            for check in checks:
                if check.failure_info is None:
                    continue
                failure = check.failure_info.failure
                key = scenario.label, check.name, failure.title
                if key not in self._known:
                    self._known.add(key)
                    answer: Any = scenario.recorder.interactions[case].response
                    told = "nothing" if answer is None else f"{answer.status_code} {answer.content[:500]!r}"
                    request = check.failure_info.code_sample[:1000]
                    yield f"{scenario.label} {check.name}: {failure.message}\n{request}\nanswered: {told}"


def _settings(examples: int, seed: int) -> dict[str, Any]:
    return {
        "seed": seed,
        "continue-on-failure": True,
        "generation": {"max-examples": examples, "deterministic": not NIGHTLY, "database": "none", "no-shrink": False},
        "auth": {"openapi": {"admin": {"api_key": f"Convex {KEY}"}}},
        "phases": {name: {"enabled": True} for name in PHASES},
        "checks": {
            # A function's failure has status 200, and what is a path or a token no schema can say: see `judging`.
            "positive_data_acceptance": {"enabled": False},
            "negative_data_rejection": {"enabled": False},
            # They know one answer to a key that is none, 401, and official clients know others: see `test_routes`.
            "missing_required_header": {"enabled": False},
            "ignored_auth": {"enabled": False},
            takes_what_it_describes.__name__: {"enabled": True},
        },
        # What is answered there is the application's business, as with every Convex server: never 405, and 503 if it
        # wants to.
        "operations": [
            {
                "include-path-regex": "^/http/",
                "checks": {"unsupported_method": {"enabled": False}, "not_a_server_error": {"enabled": False}},
            }
        ],
    }
