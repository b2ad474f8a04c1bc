"""Words, and what stands in keys for them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reactor.search.postings import EVERYTHING, MOST_WORDS, TextFields, posting, scope, word_in
from reactor.search.scoring import TOP_IMPACT, Statistics, impact
from reactor.search.tokens import LONGEST, tokens
from reactor.store.seam import id_in_key
from reactor.values import encode_id, encode_value, has_prefix

ID = encode_id(10_001, bytes(16))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Hello, World!", ["hello", "world"]),
        ("snake_case and-dashes", ["snake", "case", "and", "dashes"]),
        ("it's 3.14", ["it", "s", "3", "14"]),
        ("Größe ÉTÉ 東京 2024", ["größe", "été", "東京", "2024"]),
        ("a\x00b", ["a", "b"]),
        ("x" * 33 + " ok " + "é" * 17, ["ok"]),
        ("  ", []),
    ],
)
def test_words(text: str, words: list[str]):
    assert tokens(text) == words


@given(st.text())
def test_any_text_has_words(text: str):
    for word in tokens(text):
        assert word == word.lower() or word.lower() in text.lower()
        assert 0 < len(word.encode()) <= LONGEST
        assert not set(word) & set(" _-.,;\x00")


def document(text: Any, **fields: Any) -> dict[str, Any]:
    return {"_id": ID, "_creationTime": 5.0, "body": text, **fields}


@given(st.lists(st.sampled_from(["a", "b", "ab", "été", "x0"]), max_size=8), st.sampled_from([None, "x", 1, [1]]))
def test_keys_say_what_they_were_made_of(words: list[str], owner: Any):
    fields = TextFields(("body", "owner"))
    keys = fields.keys(document(" ".join(words), owner=owner))
    assert len(keys) == len(set(keys)) == 2 * len(set(words))
    for before in (EVERYTHING, scope(0, owner)):
        for word in set(words):
            (key,) = [key for key in keys if has_prefix(key, before + encode_value(word))]
            assert posting(key, ID)[1:] == (words.count(word), len(words))
            assert word_in(key, before) == encode_value(word)
            assert id_in_key(key) == ID


@pytest.mark.parametrize("text", [None, 1, ["a"], {}])
def test_what_is_no_text_has_no_keys(text: Any):
    assert TextFields(("body",)).keys(document(text)) == []
    assert TextFields(("other",)).keys(document("a")) == []


def test_a_long_text_has_so_many_words_and_no_more():
    text = " ".join(f"w{number}" for number in range(MOST_WORDS + 10))
    assert len(TextFields(("body",)).keys(document(text))) == MOST_WORDS


def test_what_matters_more_stands_first():
    impacts = [impact(frequency, 50) for frequency in (1, 2, 5, 300)]
    assert impacts == sorted(impacts)
    assert 0 <= impact(1, 60_000) < impact(1, 1) <= TOP_IMPACT
    statistics = Statistics(100, 50.0)
    assert statistics.rarity(1) > statistics.rarity(50) > statistics.rarity(100) > 0
    assert statistics.score(1.0, 3, 50) > statistics.score(1.0, 1, 50) > statistics.score(1.0, 1, 500)
