import pytest

from services.download.http_errors import network_errors, refusal
from shared.errors import (
    MillraceError,
    Reject,
    Retry,
    SourceForbidden,
    SourceMissing,
    SourceUnavailable,
)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (401, SourceForbidden),
        (403, SourceForbidden),
        (400, SourceForbidden),
        (451, SourceForbidden),
        (404, SourceMissing),
        (410, SourceMissing),
        (204, SourceMissing),
        (408, SourceUnavailable),
        (425, SourceUnavailable),
        (429, SourceUnavailable),
        (500, SourceUnavailable),
        (503, SourceUnavailable),
        (599, SourceUnavailable),
        (206, SourceUnavailable),
        (304, SourceUnavailable),
    ],
)
def test_what_a_status_means(status: int, expected: type[MillraceError]) -> None:
    error = refusal(status, "example.com")
    assert type(error) is expected
    assert isinstance(error, Reject | Retry)
    assert str(error).startswith(f"source: example.com answered {status}")


def test_no_answer_in_time_is_tried_again() -> None:
    with pytest.raises(SourceUnavailable, match=r"example.com was silent"):  # noqa: SIM117
        with network_errors("example.com"):
            raise TimeoutError


def test_other_errors_are_left_alone() -> None:
    with pytest.raises(ZeroDivisionError), network_errors("example.com"):
        raise ZeroDivisionError
