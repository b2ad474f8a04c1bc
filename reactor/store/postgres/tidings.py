"""What the doorbell says: which server has committed, and up to where."""

__all__ = ["tidings", "told_by"]


def tidings(node: str, ts: int) -> str:
    """That the server `node` has made commit `ts`."""
    return f"{node} {ts}"


def told_by(text: str) -> tuple[str, int | None]:
    """The server that tells something, and its commit; None of one that does not say which."""
    node, told, ts = text.rpartition(" ")
    return (node, int(ts)) if told and ts.isascii() and ts.isdigit() else (text, None)
