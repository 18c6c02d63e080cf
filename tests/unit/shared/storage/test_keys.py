import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import InvalidJob
from shared.storage.keys import checked


@pytest.mark.parametrize(
    "key", ["a", "users/42/small.webp", "ü/ß ~.webp", "a/.hidden", "a..b", "x/.millrace/y"]
)
def test_plain_keys_are_themselves(key: str) -> None:
    assert checked(key) == key


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("", "is empty"),
        ("/a", "is absolute"),
        ("a/../b", r"segment '\.\.'"),
        ("a//b", "segment ''"),
        ("a\0b", "cannot be printed"),
        ("ü" * 600, "longer than 1024 bytes"),
        ("ü" * 128, "more than 255 bytes"),
        (".millrace/a", "keeps for itself"),
    ],
)
def test_the_sentence_says_what_is_wrong(key: str, reason: str) -> None:
    with pytest.raises(InvalidJob, match=reason):
        checked(key)


@given(st.text())
def test_no_key_leaves_its_root(key: str) -> None:
    try:
        checked(key)
    except InvalidJob:
        return
    assert not key.startswith("/")
    assert not {"", ".", ".."} & set(key.split("/"))
