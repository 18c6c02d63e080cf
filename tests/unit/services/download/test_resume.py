import pytest

from services.download.resume import Version

ETAGGED = Version(validator='"v1"', size=100)


@pytest.mark.parametrize(
    ("headers", "validator"),
    [
        ({"ETag": '"v1"'}, '"v1"'),
        ({"ETag": '"v1"', "Last-Modified": "yesterday"}, '"v1"'),
        ({"ETag": 'W/"v1"'}, None),
        ({"ETag": 'W/"v1"', "Last-Modified": "yesterday"}, "yesterday"),
        ({"ETag": '"v1"', "Accept-Ranges": "none"}, None),
        ({"ETag": '"v1"', "Accept-Ranges": "bytes"}, '"v1"'),
        ({"ETag": '"\udcff"'}, None),
        ({}, None),
    ],
)
def test_what_tells_one_state_of_a_source_from_another(
    headers: dict[str, str], validator: str | None
) -> None:
    assert Version.of(headers, 100) == Version(validator, 100)


def test_the_rest_is_asked_for_under_the_condition_that_nothing_changed() -> None:
    assert ETAGGED.rest_after(40) == {"Range": "bytes=40-", "If-Range": '"v1"'}


@pytest.mark.parametrize(
    ("version", "received"), [(ETAGGED, 0), (ETAGGED, 100), (Version(None, 100), 40)]
)
def test_the_whole_is_asked_for_where_there_is_nothing_to_go_on_with(
    version: Version, received: int
) -> None:
    assert version.rest_after(received) == {}


@pytest.mark.parametrize(
    "content_range",
    ["bytes 40-99/100", "bytes 40-59/100", "bytes 40-99/*", "Bytes 40-99/100", " bytes 40-99/100 "],
)
def test_a_part_that_begins_where_it_broke_off_continues(content_range: str) -> None:
    assert ETAGGED.continued_by({"Content-Range": content_range}, 40) == ETAGGED


@pytest.mark.parametrize(
    "content_range",
    [
        "",
        "bytes 0-99/100",
        "bytes 39-99/100",
        "bytes 41-99/100",
        "bytes 40-99/101",
        "bytes 40-100/100",
        "bytes 40-39/100",
        "bytes */100",
        "bytes 40-99",
        "items 40-99/100",
        "bytes 40-99/100, bytes 1-2/100",
    ],
)
def test_any_other_part_does_not(content_range: str) -> None:
    assert ETAGGED.continued_by({"Content-Range": content_range}, 40) is None


def test_the_size_is_learnt_from_a_part() -> None:
    unknown = Version('"v1"', None)
    assert unknown.continued_by({"Content-Range": "bytes 40-99/100"}, 40) == ETAGGED
