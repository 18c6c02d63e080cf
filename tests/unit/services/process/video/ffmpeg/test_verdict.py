"""From ffmpeg's end to one sentence."""

import signal

import pytest

from services.process.video.ffmpeg.verdict import complaints, summary, verdict
from shared.errors import (
    CorruptMedia,
    EngineUnavailable,
    MillraceError,
    SourceTooLarge,
    TimeLimit,
    UnsupportedMedia,
    WorkspaceFull,
)

_NO_INDEX = (
    "[mov,mp4,m4a,3gp,3g2,mj2 @ 0x5581d6b0e6c0] moov atom not found\n"
    "[in#0 @ 0x5581d6b0e5c0] Error opening input: Invalid data found when processing input\n"
    "Error opening input file file:/tmp/millrace/jobs/j.1/download.x/original.mp4.\n"
    "Error opening input files: Invalid data found when processing input\n"
)


def test_the_telling_line_is_told_without_addresses() -> None:
    assert summary(_NO_INDEX) == "moov atom not found"


@pytest.mark.parametrize(
    "line",
    [
        "file:/tmp/millrace/jobs/j.1/original.mp4: Invalid data found when processing input",
        "[in#0 @ 0x55] 'file:/tmp/millrace/jobs/j.1/original.mp4': Invalid data found when"
        " processing input",
    ],
)
def test_no_path_of_this_machine_is_told(line: str) -> None:
    assert summary(line) == "Invalid data found when processing input"


def test_what_ffmpeg_says_of_whole_films_is_no_complaint() -> None:
    noise = (
        "[aac @ 0x55a32acdb680] This decoder does not support parameter changes, but PARAM_CHANGE"
        " side data was sent to it.\n[aac @ 0x55a32acdb680] Error applying parameter changes.\n"
    )
    assert complaints(noise) == ""
    assert complaints(f"{noise}{_NO_INDEX}{noise}") == _NO_INDEX


def test_silence_has_a_sentence_too() -> None:
    assert str(verdict(1, "")) == "The film is damaged: ffmpeg gave no reason."


@pytest.mark.parametrize(
    ("code", "said", "kind"),
    [
        (183, _NO_INDEX, CorruptMedia),
        (69, "Conversion failed!", CorruptMedia),
        (1, "Unknown encoder 'libx264'", EngineUnavailable),
        (1, "[vost] Error writing: No space left on device", WorkspaceFull),
        (1, "av_interleaved_write_frame(): File too large", SourceTooLarge),
        (-signal.SIGKILL, "", EngineUnavailable),
        (-signal.SIGSEGV, "anything", CorruptMedia),
        (1, "Error while decoding: Cannot allocate memory", UnsupportedMedia),
        (-signal.SIGXCPU, "", TimeLimit),
        (-signal.SIGXFSZ, "", SourceTooLarge),
    ],
)
def test_which_error_it_is(code: int, said: str, kind: type[MillraceError]) -> None:
    error = verdict(code, said)
    assert type(error) is kind
    assert str(error).endswith(".")
