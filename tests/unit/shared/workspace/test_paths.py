"""No path in a message is trusted."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import FilesLost, InvalidJob
from shared.workspace.paths import locate


@pytest.fixture
def job(tmp_path: Path) -> Path:
    job = tmp_path / "job.1"
    (job / "download.1").mkdir(parents=True)
    (job / "download.1" / "original").write_bytes(b"x")
    (tmp_path / "secret").write_bytes(b"secret")
    return job


def test_regular_file_is_found(job: Path) -> None:
    assert locate(job, "download.1/original") == job / "download.1" / "original"


@pytest.mark.parametrize(
    "path",
    [
        "",
        ".",
        "..",
        "../secret",
        "download.1/../../secret",
        "download.1/./original",
        "/etc/passwd",
        "//etc/passwd",
        "download.1//original",
        "download.1/original/",
        "download.1/orig\0inal",
        "\0",
    ],
)
def test_path_that_could_lead_out_is_invalid(job: Path, path: str) -> None:
    with pytest.raises(InvalidJob, match="inside the job's directory"):
        locate(job, path)


@pytest.mark.parametrize(
    "path",
    [
        "nothing",
        "download.1/nothing",
        "nothing/original",
        "download.1",
        "download.1/original/deeper",
        "download.1/directory-link/secret",
        "download.1/file-link",
        "download.1/own-link",
        "download.1/dangling",
        "download.1/pipe",
        "download.1/" + "x" * 300,
        "directory-link/original",
    ],
)
def test_what_is_no_regular_file_is_lost(job: Path, tmp_path: Path, path: str) -> None:
    (job / "download.1" / "directory-link").symlink_to(tmp_path)
    (job / "download.1" / "file-link").symlink_to(tmp_path / "secret")
    (job / "download.1" / "own-link").symlink_to("original")
    (job / "download.1" / "dangling").symlink_to("nowhere")
    (job / "directory-link").symlink_to("download.1")
    os.mkfifo(job / "download.1" / "pipe")
    with pytest.raises(FilesLost):
        locate(job, path)


def test_device_is_no_file() -> None:
    with pytest.raises(FilesLost, match="not a regular file"):
        locate(Path("/dev"), "null")


def test_directory_that_became_a_link_is_lost(job: Path, tmp_path: Path) -> None:
    job.rename(tmp_path / "elsewhere")
    job.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FilesLost):
        locate(job, "download.1/original")


def test_no_descriptor_is_left_open(job: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    locate(job, "download.1/original")
    for path in ("download.1/nothing", "nothing/original"):
        with pytest.raises(FilesLost):
            locate(job, path)
    assert len(os.listdir("/proc/self/fd")) == before


@given(st.text(alphabet="./a\0~\\ä", max_size=12))
def test_nothing_outside_is_ever_found(path: str) -> None:
    root = Path("/usr")
    try:
        found = locate(root, path)
    except (InvalidJob, FilesLost):
        return
    assert found.resolve().is_relative_to(root)
