"""`millrace run` and `millrace demo`, as processes, on the photo and the film in examples/."""

import hashlib
import re
import shutil
import signal
from pathlib import Path

import psutil
import pytest
from PIL import Image

from tests.acceptance.commands import Program, encoder_of, interrupt, wait
from tests.conftest import ROOT

WEB = {f"w{width}.{kind}" for width in (640, 1024, 1920) for kind in ("webp", "avif")}


@pytest.fixture
def millrace(tmp_path: Path) -> Program:
    return Program(tmp_path)


@pytest.fixture
def photo(examples: Path) -> Path:
    return examples / "mountains.jpg"


@pytest.fixture
def film(examples: Path) -> Path:
    return examples / "bunny.mp4"


def test_a_photo_becomes_the_responsive_set(millrace: Program, photo: Path) -> None:
    ended = millrace("run", photo)

    assert (ended.code, ended.err) == (0, "")
    assert millrace.results == {f"mountains/{name}" for name in {*WEB, "thumbnail.webp"}}
    with Image.open(millrace.folder / "millrace-out/mountains/w640.avif") as image:
        assert image.size == (640, 480)
    assert "640×480" in ended.out
    assert "millrace-out/mountains/w640.avif" in ended.out
    assert not millrace.left


def test_json_is_one_terminal_event_a_line_and_nothing_else(millrace: Program, photo: Path) -> None:
    text = millrace.folder / "text.jpg"
    text.write_text("no photo")
    ended = millrace("run", photo, text, "--op", "thumbnail", "--json", "--out", "there")

    assert ended.code == 1
    assert sorted(ended.types) == ["completed", "failed"]
    by_type = {event["type"]: event["data"] for event in ended.events}
    (result,) = by_type["millrace.job.completed"]["results"]
    stored = millrace.folder / "there" / result["key"]
    assert result["url"] == stored.as_uri()
    assert result["sha256"] == hashlib.sha256(stored.read_bytes()).hexdigest()
    assert by_type["millrace.job.failed"]["error"]["error"] == "UnsupportedMedia"
    assert by_type["millrace.job.completed"]["receipt"]["filesRemoved"] == 2


def test_operations_presets_and_destination(millrace: Program, photo: Path) -> None:
    ended = millrace(
        *("run", photo, "--preset", "web", "--op", "resize:name=s,width=100,formats=webp+jpeg"),
        *("--op", '{"op": "blur", "radius": 3}', "--keep-original", "--meta", "user=a b"),
        *("--destination", "{metadata.user}/{name}.{ext}"),
    )

    assert ended.code == 0
    names = {*WEB, "thumbnail.webp", "s.webp", "s.jpg", "blur.webp", "original.jpg"}
    assert millrace.results == {f"a~20b/{name}" for name in names}


def test_folders_and_patterns(millrace: Program, photo: Path) -> None:
    for name in ("holiday/a.jpg", "holiday/deep/b.jpg", "c1.jpg", "c2.jpg"):
        (millrace.folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(photo, millrace.folder / name)
    (millrace.folder / "holiday" / "notes.txt").write_text("sun")
    ended = millrace("run", "holiday", "c?.jpg", "--op", "low-quality")

    assert ended.code == 0
    stems = {name.removesuffix("/low-quality.webp") for name in millrace.results}
    assert stems == {"a", "deep/b", "c1", "c2"}
    assert "skipped: notes.txt" in ended.err


def test_what_is_there_is_replaced_only_if_asked_for(millrace: Program, photo: Path) -> None:
    assert millrace("run", photo, "--op", "thumbnail").code == 0
    stored = millrace.folder / "millrace-out" / "mountains" / "thumbnail.webp"
    stored.write_text("mine")

    refused = millrace("run", photo, "--op", "thumbnail")
    assert refused.code == 1
    assert "another object under 'mountains/thumbnail.webp'; --overwrite" in refused.err
    assert stored.read_text() == "mine"

    assert millrace("run", photo, "--op", "thumbnail", "--overwrite").code == 0
    assert stored.read_bytes()[:4] == b"RIFF"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--op", "blurr"], "no operation 'blurr'"),
        (["--op", "resize:wdth=5"], "no parameter 'wdth'"),
        (["--op", "resize:width=0"], "width: Input should be greater"),
        (["--preset", "wbe"], "no operation 'wbe'"),
        (["--destination", "{x}.{ext}"], "destination: {x} is no field"),
        (["nothing-here.jpg"], "there is no file or folder nothing-here.jpg"),
    ],
)
def test_what_cannot_be_carried_out_ends_before_any_work(
    millrace: Program, photo: Path, arguments: list[str], sentence: str
) -> None:
    ended = millrace("run", photo, *arguments)

    assert ended.code == 2
    assert sentence in ended.err
    assert len(ended.err.splitlines()) == 1
    assert not millrace.temp_dir.exists()


def test_a_bad_setting_names_its_variable(tmp_path: Path, photo: Path) -> None:
    ended = Program(tmp_path, {"MAX_IMAGE_PIXELS": "many"})("run", photo)

    assert ended.code == 2
    assert re.match(r"millrace: MAX_IMAGE_PIXELS: .*integer.*\n$", ended.err)


def test_each_bad_file_fails_with_its_sentence_and_no_other_job_with_it(
    millrace: Program, photo: Path
) -> None:
    (millrace.folder / "text.jpg").write_text("I am no photo.")
    (millrace.folder / "empty.jpg").touch()
    (millrace.folder / "cut.jpg").write_bytes(photo.read_bytes()[:200_000])
    ended = millrace("run", "text.jpg", "empty.jpg", "cut.jpg", photo, "--op", "thumbnail")

    assert ended.code == 1
    lines = sorted(ended.err.splitlines())
    assert len(lines) == 3
    assert lines[0].startswith("millrace: cut.jpg: The picture is damaged")
    assert lines[1] == "millrace: empty.jpg is empty"
    assert lines[2].startswith("millrace: text.jpg is plain text")
    assert millrace.results == {"mountains/thumbnail.webp"}
    assert not millrace.left


def test_ctrl_c_cancels_and_leaves_nothing(millrace: Program, film: Path, photo: Path) -> None:
    process = millrace.start("run", film, photo, film.parent, "--jobs", "1", "--json")
    encoder_of(process.pid)
    ended, alive = interrupt(process)

    assert ended.code == 130
    assert ended.types == ["cancelled", "cancelled"]
    assert not alive
    assert not millrace.left
    assert not millrace.results


def test_a_second_ctrl_c_does_not_wait(millrace: Program, film: Path) -> None:
    process = millrace.start("run", film)
    encoder_of(process.pid)
    process.send_signal(signal.SIGINT)
    ended, alive = interrupt(process)

    assert ended.code == 130
    assert not alive
    assert not millrace.left


def test_a_killed_run_is_cleared_away_by_the_next(
    millrace: Program, film: Path, photo: Path
) -> None:
    process = millrace.start("run", film)
    encoder_of(process.pid)
    children = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    wait(process)
    _, alive = psutil.wait_procs(children, timeout=5)
    assert not alive
    assert millrace.left

    assert millrace("run", photo, "--op", "thumbnail").code == 0
    assert not millrace.left
    assert millrace.results == {"mountains/thumbnail.webp"}


def test_two_at_once_do_not_disturb_each_other(millrace: Program, photo: Path) -> None:
    runs = [
        millrace.start("run", photo, "--op", "thumbnail", "--out", out, "--json")
        for out in ("millrace-out/a", "millrace-out/b")
    ]
    ends = [wait(run) for run in runs]

    assert [end.code for end in ends] == [0, 0]
    assert millrace.results == {f"{out}/mountains/thumbnail.webp" for out in "ab"}
    assert not millrace.left


def test_of_two_with_the_same_results_none_spoils_the_other(millrace: Program, photo: Path) -> None:
    ends = [wait(run) for run in [millrace.start("run", photo, "--json") for _ in range(2)]]
    won = [end for end in ends if end.code == 0]

    # Each may have come first to one of the keys: then both take back what they stored.
    assert len(won) <= 1
    results = [result for end in won for result in end.events[0]["data"]["results"]]
    assert millrace.results == {result["key"] for result in results}
    for result in results:
        content = (millrace.folder / "millrace-out" / result["key"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == result["sha256"]
    assert not millrace.left


def test_a_reader_that_goes_away_ends_the_run(millrace: Program, photo: Path) -> None:
    process = millrace.start("run", photo, "--op", "thumbnail", "--json")
    assert process.stdout
    process.stdout.close()
    process.stdout = None
    ended = wait(process)

    assert ended.code == 1
    assert "Traceback" not in ended.err
    assert not millrace.left


def test_a_log_that_nobody_reads_holds_nothing_up(tmp_path: Path, photo: Path) -> None:
    millrace = Program(tmp_path, {"LOG_LEVEL": "debug"})
    process = millrace.start("run", photo, "--op", "thumbnail", "--json")
    assert process.stderr
    process.stderr.close()
    process.stderr = None
    ended = wait(process)

    assert (ended.code, ended.types) == (0, ["completed"])
    assert not millrace.left


def test_the_demo_shows_results_and_that_nothing_is_left(millrace: Program) -> None:
    ended = millrace("demo")
    lines = ended.out.splitlines()

    assert ended.code == 0
    assert lines[-1] == "temporary files left: 0"
    for name in ("w1920.avif", "blur.webp", "low-quality.webp", "720p.mp4", "poster.webp"):
        assert name in ended.out
    assert not millrace.left
    assert millrace("demo").code == 0


def test_version_and_help(millrace: Program) -> None:
    assert re.fullmatch(r"millrace \d+\.\d+\.\d+\n", millrace("--version").out)
    for command in ("run", "submit", "serve", "sweep"):
        assert command in millrace("--help").out
    assert "SOURCE" in millrace("run", "--help").out
    assert (ROOT / "millrace").is_dir()
