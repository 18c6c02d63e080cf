import os
import shutil
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from millrace.cli.errors import Misuse
from millrace.cli.jobs import Wish, by_stem
from millrace.cli.sources import _fit, _joined, find
from shared.destination import validate
from shared.storage.keys import checked


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, examples: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two photos with the same name, a film, and what is neither."""
    for name in ("one.jpg", "sub/one.jpg", "sub/deep/two.jpeg", ".hidden/no.jpg", "sub/.no.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(examples / "mountains.jpg", tmp_path / name)
    shutil.copy(examples / "bunny.mp4", tmp_path / "film")
    (tmp_path / "text.jpg").write_text("no photo")
    (tmp_path / "sub" / "empty.jpg").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def shown(*named: str, out: Path | None = None) -> list[str]:
    return [source.shown for source in find([*named], out).sources]


def test_a_file_is_a_source_whatever_is_in_it(folder: Path) -> None:
    (source,) = find(["text.jpg"]).sources

    assert source.address == (folder / "text.jpg").as_uri()
    assert source.path == folder / "text.jpg"
    assert source.stem == "text"


def test_a_folder_stands_for_the_media_below_it() -> None:
    found = find(["."])

    assert [source.shown for source in found.sources] == [
        "film",
        "one.jpg",
        "sub/one.jpg",
        "sub/deep/two.jpeg",
    ]
    assert {path.name for path in found.skipped} == {"text.jpg", "empty.jpg"}


def test_a_pipe_in_a_folder_is_not_waited_for() -> None:
    os.mkfifo("pipe.jpg")
    found = find(["."])

    assert "pipe.jpg" in {path.name for path in found.skipped}
    assert "pipe.jpg" not in shown("*.jpg")


def test_results_are_no_sources(folder: Path) -> None:
    assert shown(".", out=folder / "sub") == ["film", "one.jpg"]


def test_a_pattern_stands_for_the_media_that_match() -> None:
    assert shown("*.jpg") == ["one.jpg"]
    assert sorted(shown("**/*.jp*g")) == ["one.jpg", "sub/deep/two.jpeg", "sub/one.jpg"]


def test_each_source_counts_once() -> None:
    Path("link.jpg").symlink_to("one.jpg")

    assert shown("one.jpg", "./one.jpg", "link.jpg") == ["one.jpg"]


def test_an_address_is_taken_as_it_is() -> None:
    (source,) = find(["https://example.com/a/photo%20one.jpg?x=1"]).sources

    assert source.address == "https://example.com/a/photo%20one.jpg?x=1"
    assert source.path is None
    assert source.stem == "photo one"


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("nothing.jpg", "no file or folder nothing.jpg"),
        ("*.png", "no photo and no film matches"),
        ("empty", "no photo and no film in the folder empty"),
        ("ftp://example.com/x.jpg", "must be a file, a folder"),
    ],
)
def test_what_is_not_there_is_named(name: str, sentence: str, folder: Path) -> None:
    (folder / "empty").mkdir()

    with pytest.raises(Misuse, match=sentence):
        find([name])


def test_sources_with_one_name_get_folders_of_their_own() -> None:
    shutil.copy("one.jpg", "one.jpeg")
    sources = find(["one.jpg", "one.jpeg", "sub"]).sources
    place = by_stem(sources)

    assert [place(source) for source in sources] == [
        "one/{name}.{ext}",
        "one-2/{name}.{ext}",
        "one-3/{name}.{ext}",
        "deep/two/{name}.{ext}",
    ]


@pytest.mark.parametrize(
    "name",
    [
        "{jobId}.jpg",
        "...jpg",
        ".millrace.jpg",
        ".Millrace.jpg",
        "a\nb.jpg",
        "x" * 200,
        "Screenshot 2026-11-25 at 9.41.00\u202fAM.png",
        "a\u00a0b.jpg",
        os.fsdecode(b"caf\xe9.jpg"),
        "\U0001f600" * 63,
    ],
)
def test_any_name_of_a_file_makes_a_valid_destination(name: str) -> None:
    shutil.copy("one.jpg", name)
    (source,) = find([name]).sources
    job = Wish().job(source, by_stem([source])(source))

    validate(job.message.destination, {})
    assert "{jobId}" not in job.message.destination


def test_folders_within_folders_make_a_valid_destination() -> None:
    folder = Path("/".join(["f" * 80] * 20))
    folder.mkdir(parents=True)
    shutil.copy("one.jpg", folder / "deep.jpg")
    (source,) = find(["f" * 80]).sources

    Wish().job(source, by_stem([source])(source))
    assert source.stem.endswith("f/deep")


@example(name="/", folders=["a/b"])
@given(st.text(), st.lists(st.text(), max_size=40))
def test_any_text_makes_a_key(name: str, folders: list[str]) -> None:
    stem = _joined([_fit(part) for part in (*folders, name)])

    # Behind it come what tells it from its namesakes, and the longest name of an output.
    key = f"{stem}-{10**9}/{'n' * 64}.{'e' * 10}"
    assert checked(key) == key
    assert not set(stem) & set("{}")


@pytest.mark.parametrize("name", ["photo one", "caf\u00e9", "写真" * 40, "IMG_1234 (2)"])
def test_an_ordinary_name_stays_as_it_is(name: str) -> None:
    assert _fit(name) == name


def test_no_two_jobs_share_an_id() -> None:
    (source,) = find(["one.jpg"]).sources
    ids = {Wish().job(source).id for _ in range(50)}

    assert len(ids) == 50
    assert all(job_id.startswith("one-") for job_id in ids)
