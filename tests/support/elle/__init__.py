"""Is a history of transactions over lists serializable? And if not, which transactions show it?

    report = check(history)
    assert not report.anomalies, report

The method is that of Kingsbury and Alvaro, "Elle: Inferring Isolation Anomalies from Experimental Observations" (VLDB
2020). Transactions append unique values to lists and read whole lists. A list that was read tells in which order its
values were appended, and so which transaction came before which; a cycle among these relations is a proof that no
serial order explains what the clients saw. Anomalies carry the names of Adya's thesis, as the paper uses them.
"""

from tests.support.elle.checker import Report, check
from tests.support.elle.history import Append, HistoryError, Op, Outcome, Read, Transaction, Undone
from tests.support.elle.naming import Anomaly

__all__ = [
    "Anomaly",
    "Append",
    "HistoryError",
    "Op",
    "Outcome",
    "Read",
    "Report",
    "Transaction",
    "Undone",
    "check",
]
