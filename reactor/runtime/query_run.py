"""What one run of a function gave."""

import msgspec

from reactor.database.ranges import KeyRange
from reactor.runtime.failures import Failure

__all__ = ["VALUE_FIELD", "QueryRun", "RunResult"]

_encoder = msgspec.json.Encoder()

VALUE_FIELD = b'"value":'
"""How the tail of a run that did not fail begins; the encoded value follows."""


class RunResult(msgspec.Struct):
    """A function's end: its encoded value, or its failure; and the log lines that clients may see.

    `ts`: a mutation's commit timestamp.
    """

    value: bytes
    failure: Failure | None
    logs: list[str]
    ts: int = 0


class QueryRun(msgspec.Struct):
    """A query's end, with what it depends on. `ranges` are merged; `journal` fixes the end of its page, if any.

    `lines` are all its log lines, also those that the caller may not see. `time` is the time that it looked at, in
    milliseconds since 1970, None when it did not look at the clock.
    """

    result: RunResult
    ranges: list[KeyRange]
    looked_at_identity: bool
    journal: str | None = None
    lines: list[str] = []
    time: float | None = None

    @property
    def failure(self) -> Failure | None:
        """Why it failed, None when it did not."""
        return self.result.failure

    def tail(self) -> bytes:
        """The rest of its modification's JSON after the query id."""
        end = b',"logLines":%b,"journal":%b}' % (
            _encoder.encode(self.result.logs),
            _encoder.encode(self.journal),
        )
        failure = self.result.failure
        if failure is None:
            return b"%b%b%b" % (VALUE_FIELD, self.result.value, end)
        data = b"" if failure.data is None else b',"errorData":' + failure.data
        return b'"errorMessage":%b%b%b' % (_encoder.encode(failure.message), data, end)

    def shown(self, tail: bytes) -> bytes:
        """What decides whether clients need to hear of it: all of `tail` but the journal and the request id."""
        failure = self.result.failure
        if failure is not None:
            return b"%b\x00%b\x00%b" % (
                failure.text.encode("utf-8", "replace"),
                failure.data or b"",
                _encoder.encode(self.result.logs),
            )
        return tail if self.journal is None else self.result.value + _encoder.encode(self.result.logs)
