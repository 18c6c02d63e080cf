"""Languages, from how films name them to how players do."""

import pytest

from services.process.video.streaming.language import tag


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("eng", "en"),
        ("ger", "de"),  # the name that librarians use
        ("deu", "de"),
        ("por-BR", "pt-BR"),
        ("en", "en"),
        ("en-US", "en-US"),
        ("fil", "fil"),  # there is none of two letters
        (None, None),
    ],
)
def test_a_language_has_two_letters_where_it_can(told: str | None, expected: str | None) -> None:
    assert tag(told) == expected
