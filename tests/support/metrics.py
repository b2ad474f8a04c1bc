"""The server's counters as a test reads them."""

import urllib.request

from prometheus_client.parser import text_string_to_metric_families

__all__ = ["Metrics"]


class Metrics:
    """One reading of /metrics; subtracting two readings gives what happened in between."""

    def __init__(self, samples: dict[tuple[str, frozenset[tuple[str, str]]], float]) -> None:
        self.samples = samples

    @classmethod
    def read(cls, url: str, *, limit: float = 20.0) -> "Metrics":
        """Ask a server for its counters now."""
        with urllib.request.urlopen(f"{url}/metrics", timeout=limit) as response:
            return cls.parse(response.read().decode())

    @classmethod
    def parse(cls, text: str) -> "Metrics":
        families = text_string_to_metric_families(text)
        return cls({(s.name, frozenset(s.labels.items())): s.value for family in families for s in family.samples})

    def __getitem__(self, name: str) -> float:
        """The sum over all labels; 0 when the server has not counted it yet."""
        return sum(value for (found, _), value in self.samples.items() if found == name)

    def by(self, name: str, label: str) -> dict[str, float]:
        """The values of one metric by one label; zeros are left out."""
        found: dict[str, float] = {}
        for (sample, labels), value in self.samples.items():
            if sample == name and value:
                key = dict(labels)[label]
                found[key] = found.get(key, 0) + value
        return found

    def __sub__(self, earlier: "Metrics") -> "Metrics":
        return Metrics({key: value - earlier.samples.get(key, 0) for key, value in self.samples.items()})

    def runs(self) -> dict[str, float]:
        """How often each query ran."""
        return self.by("reactor_query_runs_total", "function")
