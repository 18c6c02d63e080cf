import multiprocessing
import os
import shutil
import signal
from pathlib import Path

import pytest

from millrace.roots import abandoned_roots, own_root
from millrace.settings import BadSetting


def test_a_root_is_gone_at_the_end_with_all_that_is_in_it(tmp_path: Path) -> None:
    with own_root(tmp_path / "new") as root:
        (root / "folder").mkdir()
        (root / "folder" / "file").write_text("x")

    assert [*(tmp_path / "new").iterdir()] == []


def test_a_root_that_owes_something_stays_for_the_next_run(tmp_path: Path) -> None:
    with own_root(tmp_path) as root:
        job = root / "lane" / "jobs" / "job.1"
        (job / "upload.1").mkdir(parents=True)
        (job / "upload.1" / "film").write_text("large")
        (job / "objects.jsonl").write_text("what was put")

    assert [path.name for path in job.iterdir()] == ["objects.jsonl"]
    for found in abandoned_roots(tmp_path):
        shutil.rmtree(found / "lane")
    assert [*tmp_path.iterdir()] == []


def test_a_root_in_use_is_not_abandoned(tmp_path: Path) -> None:
    with own_root(tmp_path) as one, own_root(tmp_path) as other:
        assert one != other
        assert [*abandoned_roots(tmp_path)] == []
        assert one.is_dir()


def _hold(temp_dir: Path, ready: int) -> None:
    with own_root(temp_dir) as root:
        (root / "file").write_text("x")
        os.write(ready, b"!")
        signal.pause()


def test_the_root_of_a_killed_run_is_found_and_removed(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    run = multiprocessing.get_context("fork").Process(target=_hold, args=(tmp_path, writing))
    run.start()
    os.read(reading, 1)
    assert [*abandoned_roots(tmp_path)] == []

    run.kill()
    run.join()
    found = [(root.name, (root / "file").read_text()) for root in abandoned_roots(tmp_path)]

    assert [text for _, text in found] == ["x"]
    assert [*tmp_path.iterdir()] == []


def test_what_is_not_a_root_stays(tmp_path: Path) -> None:
    for name in ("video.processing", "run-me", "run-0123456789ab.old"):
        (tmp_path / name).mkdir()
    (tmp_path / "run-0123456789ab").write_text("a file")

    assert [*abandoned_roots(tmp_path)] == []
    assert len([*tmp_path.iterdir()]) == 4


def test_there_is_nothing_abandoned_where_nothing_is(tmp_path: Path) -> None:
    assert [*abandoned_roots(tmp_path / "not-there")] == []


def test_a_folder_that_cannot_be_made_is_a_bad_setting(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")

    with (
        pytest.raises(BadSetting, match=r"TEMP_DIR: .* cannot be used"),
        own_root(tmp_path / "file"),
    ):
        pass
