"""What a test found out, kept for people who want to see more than that it passed: a text file under build/reports."""

from tests.support.server import REPOSITORY

__all__ = ["keep_report"]


def keep_report(name: str, text: str) -> None:
    """Write a report; the one of an earlier run is replaced."""
    folder = REPOSITORY / "build" / "reports"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.txt").write_text(f"{text}\n")
