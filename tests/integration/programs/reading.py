"""Reading on the naive state: documents by id, ranges, and pages."""

from __future__ import annotations

from typing import Any

from tests.integration.programs.documents import Cursor, Fault, Read, Scan, developer
from tests.integration.programs.frames import Frame, Operation
from tests.integration.programs.refusals import refuse_other_table, refuse_range

__all__ = ["Reading"]


class Reading(Frame):
    """Operations that read."""

    def consume(self) -> None:
        self.machine.used.read(self.machine.limits)

    def get(self, operation: Operation) -> Any:
        id, named = self.value(operation["id"]), operation.get("table")
        table = self.home(id, "get")
        if named is not None:
            refuse_other_table(named, table)
        return None if table is None else self.look_up(table, id)

    def look_up(self, table: str, id: str) -> dict[str, Any] | None:
        self.machine.reads.append(Read(Scan(table, "by_id", False, (("eq", "_id", id),), None), None))
        document = self.state.documents.get(id)
        if document is not None:
            self.consume()
        return document

    def home(self, id: Any, method: str) -> str | None:
        if not isinstance(id, str):
            raise developer("TypeError", f"Must provide arg 1 `id` to `{method}`")
        if id not in self.state.homes:
            raise developer("InvalidId", f"Invalid argument `id` for `db.{method}`: Unable to decode ID")
        return self.state.table_of(id)

    def normalize(self, operation: Operation) -> str | None:
        id = self.value(operation["id"])
        if not isinstance(id, str):
            raise developer("TypeError", "Must provide arg 1 `id` to `normalize_id`")
        return id if id in self.state.homes and self.state.table_of(id) == operation["table"] else None

    def scan(self, scan: dict[str, Any]) -> Scan:
        bounds = tuple((bound["is"], bound["field"], self.value(bound["value"])) for bound in scan["bounds"])
        condition = scan.get("condition")
        told = condition and (condition["field"], self.value(condition["value"]), condition["plus"])
        found = Scan(scan["table"], scan["index"], scan["order"] == "desc", bounds, told)
        if found.table in self.state.tables:
            refuse_range(found)
        else:
            self.machine.reads.append(Read(found, None, absent=True))
        return found

    def read(self, operation: Operation) -> Any:
        scan, how = self.scan(operation["scan"]), operation["how"]
        if scan.table not in self.state.tables:
            return {"first": None, "unique": None, "count": 0}.get(how, [])
        if how == "count" and scan.condition is None:
            self.machine.reads.append(Read(scan, None))
            return len(self.state.ordered(scan))
        most = {"first": 1, "unique": 2, "take": operation["most"], "loop": operation["most"]}.get(how)
        found = self.take(scan, most)
        if how == "unique" and len(found) > 1:
            raise developer(
                "NotUnique",
                f"unique() query returned more than one result from table {scan.table}: "
                f"[{found[0]['_id']}, {found[1]['_id']}, ",
            )
        if how in ("first", "unique"):
            return found[0] if found else None
        return len(found) if how == "count" else found

    def take(self, scan: Scan, most: int | None) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        if most == 0:
            return found
        for key, document in self.state.ordered(scan):
            self.machine.reads.append(Read(scan, key))
            self.consume()
            if scan.passes(document):
                found.append(document)
                if len(found) == most:
                    return found
        self.machine.reads.append(Read(scan, None))
        return found

    # Pages

    def page(self, operation: Operation) -> dict[str, Any]:
        cursors, which = self.machine.given.cursors, operation["cursor"]
        cursor = cursors[-1 - which % len(cursors)] if cursors and which is not None else None
        scan = self.scan(operation["scan"])
        if self.paged:
            raise developer("MultiplePaginatedQueries", "ran multiple paginated queries")
        self.paged = True
        if operation["items"] < 1:
            raise developer("NoDocumentsForPagination", "Must request at least 1 document while paginating")
        if scan.table not in self.state.tables:
            return _page([], Cursor((scan.table,), None), 0)
        for given in (cursor, end := self.machine.end if self.top else None):
            if given is not None and given.of != scan.fingerprint():
                data = {"isConvexSystemError": True, "paginationError": "InvalidCursor"}
                raise Fault("InvalidCursor", None, "InvalidCursor: the cursor is of another query", data=data)
        page = self.rows(scan, operation["items"], cursor, end)
        if self.top:
            self.machine.ended = page["continueCursor"]
        return page

    def rows(self, scan: Scan, items: int, cursor: Cursor | None, end: Cursor | None) -> dict[str, Any]:
        machine, of = self.machine, scan.fingerprint()
        if cursor is not None and cursor.place is None:
            return _page([], end or Cursor(of, None), 0)
        found: list[dict[str, Any]] = []
        rows, full, cut = list[Any](), False, False
        last = None if cursor is None else cursor.place
        for key, document in self.state.ordered(scan, last, None if end is None else end.place):
            full = end is None and len(found) == items
            cut = not full and bool(rows) and machine.used.documents_read >= machine.limits.documents_read
            if cut or full:
                break
            rows.append(key)
            machine.reads.append(Read(scan, key, last))
            self.consume()
            if scan.passes(document):
                found.append(document)
        full = end is None and len(found) == items
        if not (cut or full):
            machine.reads.append(Read(scan, None if end is None else end.place, last))
        place = end or Cursor(of, rows[-1] if cut or full else None)
        split = len(rows) > 2 if cut else len(found) > 2
        crowded = end is not None and len(rows) > 0.75 * machine.limits.documents_read
        return _page(found, place, split, "SplitRequired" if cut else "SplitRecommended" if crowded else None)


def _page(found: list[Any], end: Cursor, split: bool | int, status: str | None = None) -> dict[str, Any]:
    done = end.place is None
    return {"page": found, "isDone": done, "continueCursor": end, "splitCursor": bool(split), "pageStatus": status}
