"""The order in which jobs ran first, for those that run again."""

from collections.abc import Iterable

from reactor.database.committer import Job, Settled

__all__ = ["Places"]


class Places:
    """By job that is to run again: where it stood among all.

    One that is running when those before it are found to be undone is found to be so itself when they are in the queue
    already. It belongs behind them: they may be mutations of one client, who expects its order.
    """

    def __init__(self) -> None:
        self._places: dict[Job, int] = {}
        self._begun = 0
        self.running = 0
        """That of the job that began last."""

    def begin(self, job: Job) -> None:
        """A job begins, for the first time or again."""
        self._begun += 1
        self.running = self._places.pop(job, self._begun)

    def again(self, lost: Iterable[Settled]) -> None:
        """These are to run again."""
        self._places.update((settled.job, settled.place) for settled in lost)

    def break_off(self, job: Job) -> None:
        """The job that runs is to run again."""
        self._places[job] = self.running

    def forget(self, jobs: Iterable[Job]) -> None:
        """These do not run again after all."""
        for job in jobs:
            self._places.pop(job, None)

    def line_up(self, jobs: Iterable[Job]) -> list[Job]:
        """Those that run again before all others, in their order."""
        return sorted(jobs, key=lambda job: self._places.get(job, self._begun + 1))
