"""Matroska files that end before they say: what they claim may be more than any file has."""

from pathlib import Path

import pytest

from services.process.video.source.ebml import cut_off, recording_cut_off

HEADER = b"\x1a\x45\xdf\xa3"
SEGMENT = b"\x18\x53\x80\x67"
CLUSTER = b"\x1f\x43\xb6\x75"
VOID = b"\xec"
UNKNOWN = b"\x01" + b"\xff" * 7
MOST = 2**56 - 2  # that a size can be; ext4 goes to no place from 16 TiB on


def size(number: int) -> bytes:
    return (1 << 56 | number).to_bytes(8)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return tmp_path / "film.mkv"


@pytest.mark.parametrize("claimed", [5, 2**40, 2**44, MOST])
def test_a_recording_ends_within_the_element_that_claims_more(claimed: int, source: Path) -> None:
    source.write_bytes(HEADER + size(0) + SEGMENT + UNKNOWN + VOID + size(claimed) + bytes(4))
    assert recording_cut_off(source)


@pytest.mark.parametrize("claimed", [5, 2**44, MOST])
def test_a_segment_that_claims_more_is_cut_off(claimed: int, source: Path) -> None:
    source.write_bytes(HEADER + size(0) + SEGMENT + size(claimed) + bytes(4))
    assert cut_off(source)


@pytest.mark.parametrize("claimed", [100, 2**44, MOST])
def test_a_header_that_claims_more_is_cut_off(claimed: int, source: Path) -> None:
    source.write_bytes(HEADER + size(claimed) + SEGMENT + UNKNOWN)
    assert cut_off(source)
    assert recording_cut_off(source)


def test_whole_ones_are_not_cut_off(source: Path) -> None:
    cluster = CLUSTER + UNKNOWN + VOID + size(4) + bytes(4)
    source.write_bytes(HEADER + size(3) + bytes(3) + SEGMENT + UNKNOWN + cluster)
    assert not recording_cut_off(source)
    source.write_bytes(HEADER + size(3) + bytes(3) + SEGMENT + size(len(cluster)) + cluster)
    assert not cut_off(source)
