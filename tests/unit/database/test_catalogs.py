from reactor.database.catalog import Catalog, Numbering
from reactor.database.catalogs import Catalogs
from reactor.schema import define_schema


def catalog() -> Catalog:
    return Catalog(Numbering([], [], 0), define_schema({}))


def test_a_snapshot_is_read_with_the_catalog_of_its_time() -> None:
    first, second, same, third = (catalog() for _ in range(4))
    catalogs = Catalogs(first)
    catalogs.use(second, 10)
    catalogs.use(same, 10)
    catalogs.use(third, 20)
    assert catalogs.newest is third
    assert [catalogs.at(ts) for ts in (0, 9, 10, 19, 20, 99)] == [first, first, same, same, third, third]


def test_only_so_many_are_kept() -> None:
    catalogs = Catalogs(catalog())
    every = [catalog() for _ in range(50)]
    for ts, each in enumerate(every, 1):
        catalogs.use(each, ts)
    assert catalogs.at(50) is every[-1]
    assert catalogs.at(40) is every[39]
    assert catalogs.at(1) is every[17], "the oldest that is known"
