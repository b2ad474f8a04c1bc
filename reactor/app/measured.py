"""Metrics as they are told from process to process, and added up."""

import msgspec

__all__ = ["Measured", "Metrics", "Sample", "processes"]


class Sample(msgspec.Struct, array_like=True, frozen=True):
    """One number of a metric."""

    name: str
    labels: tuple[tuple[str, str], ...]
    value: float


class Measured(msgspec.Struct, array_like=True, frozen=True):
    """A metric with its numbers. `kind` is Prometheus's word for it: counter, gauge or histogram."""

    name: str
    kind: str
    says: str
    samples: list[Sample]


Metrics = list[Measured]


def processes(serving: int, restarts: int) -> Metrics:
    """The metrics of the processes of a server themselves."""
    restarted = Sample("reactor_worker_restarts_total", (), restarts)
    return [
        Measured("reactor_workers", "gauge", "Processes that serve", [Sample("reactor_workers", (), serving)]),
        Measured("reactor_worker_restarts", "counter", "Workers that ended and were started again", [restarted]),
    ]
