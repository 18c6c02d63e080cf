"""What ffmpeg leaves unfinished is not taken for the film that it was made of."""

from pathlib import Path

import pytest

from shared.errors import CorruptMedia, EngineUnavailable, MillraceError
from tests.films import BUNNY, Benches, ffmpeg
from tests.integration.films.looks import refusal

WANTED = {"op": "renditions", "heights": 96, "preset": "ultrafast", "salvage": True}


@pytest.fixture
def leaving(tmp_path: Path) -> Path:
    """An ffmpeg that ends its file before the index; of a film called so, it says that it is damaged."""
    program = tmp_path / "ffmpeg"
    program.write_text(
        f"""#!/bin/sh
        '{ffmpeg().path}' "$@" || exit
        [ -f 96p.mp4 ] || exit 0
        head -c 32 96p.mp4 > short.tmp  # the kind of the file
        head -c 100 /dev/zero | (printf '\\000\\000\\000\\154mdat'; cat) >> short.tmp
        mv short.tmp 96p.mp4
        case "$*" in *damaged.mp4*) echo "Invalid data found" >&2; exit 1;; esac
        """
    )
    program.chmod(0o755)
    return program


@pytest.mark.parametrize(
    ("name", "error", "sentence"),
    [
        (
            *("damaged.mp4", CorruptMedia),
            "The film is damaged: ffmpeg made no '96p.mp4' of it that can be read"
            " (Invalid data found).",
        ),
        (
            *("whole.mp4", EngineUnavailable),
            "ffmpeg left '96p.mp4' unfinished, and gave no reason.",
        ),
    ],
)
async def test_the_film_is_blamed_for_what_ffmpeg_says_of_it_only(
    benches: Benches,
    leaving: Path,
    tmp_path: Path,
    name: str,
    error: type[MillraceError],
    sentence: str,
) -> None:
    source = tmp_path / name
    source.write_bytes(BUNNY.read_bytes())
    told = await refusal(await benches(ffmpeg=str(leaving)), source, WANTED)
    assert type(told) is error
    assert str(told) == sentence
