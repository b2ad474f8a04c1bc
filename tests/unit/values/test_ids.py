"""Document ids: the published vectors, strictness, and fresh ones."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reactor.errors import InvalidId
from reactor.values import decode_id, encode_id, ids, new_id, table_of

COUNTING = bytes(range(16))
VECTORS = [
    (1, bytes(16), "0400000000000000000000000000248"),
    (1, COUNTING, "040020g30g2gc1r81450p30d1r7qke8"),
    (127, b"\xff" * 16, "fzzzzzzzzzzzzzzzzzzzzzzzzzzpzsr"),
    (128, COUNTING, "g00g00820c20a1g7104gm2rc1m70zyds"),
    (10001, bytes.fromhex("00112233445566778899aabbccddeeff"), "j57004926d25askqh2ctneycvqqfznw8"),
    (16384, COUNTING, "g2002001081g81860w40j2gb1g6gw3vs74"),
    (4294967295, b"\xff" * 16, "zzzzzzrfzzzzzzzzzzzzzzzzzzzzzzzzzzxjj"),
    (540, bytes.fromhex("025080da6815d27a8d906a9106a4505c"), "kg204m40v9m1bmkthp86n486mh85s0rc"),
    (10009, bytes.fromhex("0726456483a2c1e0ff1e3d5c7b9ab9d8"), "k570e9j5cj1t5gf0zwf3tq3vkawxhqr0"),
]
USER_ID = "j57004926d25askqh2ctneycvqqfznw8"

# The five sizes of a table number, each as likely as the others.
tables = st.integers(1, 32).flatmap(lambda bits: st.integers(1, 2**bits - 1))
internals = st.binary(min_size=16, max_size=16)


def is_id(text: str) -> bool:
    """What both readers of ids agree upon."""
    number = table_of(text)
    try:
        table, internal = decode_id(text)
    except InvalidId:
        assert number is None
        return False
    assert number == table
    assert encode_id(table, internal) == text
    return True


@pytest.mark.parametrize(("table", "internal", "text"), VECTORS)
def test_published_vectors(table: int, internal: bytes, text: str) -> None:
    assert encode_id(table, internal) == text
    assert decode_id(text) == (table, internal)
    assert table_of(text) == table


@given(tables, internals)
def test_ids_survive_the_round_trip(table: int, internal: bytes) -> None:
    text = encode_id(table, internal)
    assert decode_id(text) == (table, internal)
    assert table_of(text) == table
    assert 31 <= len(text) <= 37


@given(tables, internals, st.data())
def test_one_changed_character_makes_it_another_text(table: int, internal: bytes, data: st.DataObject) -> None:
    """The checksum may miss a change (0x00 and 0xff differ by -1), but what passes is an id and reads as itself."""
    text = encode_id(table, internal)
    place = data.draw(st.integers(0, len(text) - 1))
    changed = text[:place] + data.draw(st.characters(codec="utf-8")) + text[place + 1 :]
    if changed != text and is_id(changed):
        assert decode_id(changed) != (table, internal)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "j57",
        "hello",
        USER_ID.upper(),
        USER_ID[:-1],
        USER_ID + "0",
        " " + USER_ID[1:],
        USER_ID[:-1] + "\n",
        USER_ID[:10] + "_" + USER_ID[11:],
        USER_ID[:10] + "i" + USER_ID[11:],
        USER_ID[:10] + "٣" + USER_ID[11:],
        "+" + USER_ID[1:],
        "\ud800" * 32,
        "0" * 33,
        "0" * 35,
        "0400000000000000000000000000249",
        "x" * 100_000,
    ],
)
def test_other_texts_are_not_ids(text: str) -> None:
    assert not is_id(text)


def test_a_table_number_has_one_spelling() -> None:
    """The texts that a lenient reader would take: table 0, spare zero bytes, more than 32 bits, an early end."""
    for head in ("00", "8100", "ffffffff1f", "0101", "818080808001"):
        assert not is_id(_with_head(bytes.fromhex(head)))
    assert is_id(_with_head(b"\x01"))
    assert is_id(_with_head(b"\xff\xff\xff\xff\x0f"))


def _with_head(head: bytes) -> str:
    """The text of an id whose table number is written as `head`, by the letter of the format and without its checks."""
    body = head + COUNTING
    low = high = 0
    for byte in body:
        low = (low + byte) % 256
        high = (high + low) % 256
    bits = "".join(f"{byte:08b}" for byte in [*body, low, high])
    bits += "0" * (-len(bits) % 5)
    return "".join("0123456789abcdefghjkmnpqrstvwxyz"[int(bits[at : at + 5], 2)] for at in range(0, len(bits), 5))


@pytest.mark.parametrize(
    ("table", "internal"), [(0, COUNTING), (-1, COUNTING), (2**32, COUNTING), (1, b""), (1, b"x" * 17)]
)
def test_impossible_parts_are_refused(table: int, internal: bytes) -> None:
    with pytest.raises(InvalidId, match="give a table number"):
        encode_id(table, internal)


def test_the_error_for_a_wrong_id_says_what_to_pass() -> None:
    with pytest.raises(InvalidId, match="'nonsense' is not a document id: pass the `_id` of a document unchanged"):
        decode_id("nonsense")


def test_new_ids_are_ids_of_their_table_and_sort_by_time() -> None:
    ids = [new_id(10001, 1_763_844_617_174.9 + index) for index in range(100)]
    assert {table_of(text) for text in ids} == {10001}
    assert sorted(ids) == ids
    assert int.from_bytes(decode_id(ids[0])[1][:6], "big") == 1_763_844_617_174


def test_new_ids_take_given_randomness() -> None:
    assert new_id(7, 256.5, COUNTING) == encode_id(7, b"\x00\x00\x00\x00\x01\x00" + COUNTING[6:])


def test_new_ids_of_one_moment_differ_in_all_threads() -> None:
    with ThreadPoolExecutor(8) as pool:
        ids = list(pool.map(lambda _: new_id(10001, 0.0), range(4000)))
    assert len(set(ids)) == 4000


def test_ids_are_forgotten_when_they_become_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ids, "_MOST_TABLES", 3)
    monkeypatch.setattr(ids, "_tables", {})
    made = [new_id(table, 0.0) for table in range(1, 9)]
    assert [table_of(text) for text in made] == [*range(1, 9)]
    assert len(ids._tables) <= 3
    assert table_of(made[0][:-1] + ("0" if made[0][-1] != "0" else "1")) is None
