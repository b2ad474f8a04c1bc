"""One pass over an aggregate whose leaves are complete, to build the tree over them."""

from reactor.database.committer import Committer
from reactor.database.total_tree import TotalTree
from reactor.database.transact import transact
from reactor.database.transaction import Transaction
from reactor.errors import StoreError
from reactor.store.seam import IndexRecord, TableRecord

__all__ = ["TotalPass"]

_PAGE = 512


class TotalPass:
    """Goes over the leaves in pages, each a transaction between others. `complete` when every write keeps the tree up.

    How far it is stands in the index itself. So whoever writes a document sees it as of his own transaction, and it
    goes back with commits that are lost.
    """

    def __init__(self, table: TableRecord, index: IndexRecord) -> None:
        self.table, self.index = table, index
        self.documents = 0
        self.complete = False
        self._begun = False

    async def page(self, committer: Committer) -> None:
        """Take in the next leaves. Raises StoreError."""
        if not self._begun:
            # Leaves that were filled show from the next commit on: it is this one.
            await transact(committer, "schema", self._begin)
            if committer.fault is not None:
                raise StoreError(f"what was filled cannot be read: {committer.fault}")
            self._begun = True
        count = await transact(committer, "schema", self._extend)
        self.documents += count
        self.complete = count < _PAGE

    async def _begin(self, tx: Transaction) -> None:
        await self._tree(tx).begin()

    async def _extend(self, tx: Transaction) -> int:
        return await self._tree(tx).extend(_PAGE)

    def _tree(self, tx: Transaction) -> TotalTree:
        info = tx.catalog.describe(self.table)
        return TotalTree(tx, info, next(index for index in info.derived if index.id == self.index.id))
