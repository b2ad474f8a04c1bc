"""What went over an application's HTTP endpoints."""

__all__ = ["Traffic"]


class Traffic:
    """Requests by the class of their status (`2xx`; `none`: the client went before there was one), and bytes."""

    def __init__(self) -> None:
        self.requests: dict[str, int] = {}
        self.bytes_in = self.bytes_out = 0

    def add(self, status: int, bytes_in: int, bytes_out: int) -> None:
        """A request has been answered."""
        name = f"{status // 100}xx" if status else "none"
        self.requests[name] = self.requests.get(name, 0) + 1
        self.bytes_in += bytes_in
        self.bytes_out += bytes_out
