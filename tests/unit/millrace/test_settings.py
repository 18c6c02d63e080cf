import os
import subprocess
import sys
from pathlib import Path

import pytest

from millrace.reference import settings_page
from millrace.settings import BadSetting, read
from shared.settings import DeliverySettings, WorkspaceSettings
from shared.storage.settings import StorageSettings
from tests.conftest import ROOT


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAX_ATTEMPTS", "7")

    assert read(DeliverySettings).max_attempts == 7


def test_what_is_given_counts_more_than_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MAX_ATTEMPTS", "7")
    given = {"max_attempts": 2, "temp_dir": tmp_path}

    assert read(DeliverySettings, **given).max_attempts == 2
    assert read(WorkspaceSettings, **given).temp_dir == tmp_path


def test_a_bad_value_names_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAX_ATTEMPTS", "many")

    with pytest.raises(BadSetting, match=r"MAX_ATTEMPTS: .*integer"):
        read(DeliverySettings)


def test_what_is_wrong_with_several_together_names_them() -> None:
    with pytest.raises(BadSetting, match=r"^S3_BUCKET_NAME must be set, since STORAGE_MODE is s3"):
        read(StorageSettings, storage_mode="s3")


def test_the_page_in_the_docs_is_current() -> None:
    page = (ROOT / "docs" / "settings.md").read_text()

    assert page == settings_page(), "run: millrace settings > docs/settings.md"


def test_the_page_does_not_depend_on_the_machine() -> None:
    elsewhere = {**os.environ, "TMPDIR": "/var/tmp", "MAX_ATTEMPTS": "9", "UPLOAD_PATH": "/there"}
    command = [sys.executable, "-m", "millrace", "settings"]
    page = subprocess.run(
        command, cwd=ROOT, env=elsewhere, capture_output=True, text=True, check=True
    )

    assert page.stdout == settings_page()


def test_every_setting_has_a_meaning_and_a_unit_or_bounds() -> None:
    rows = [line.split(" | ") for line in settings_page().splitlines() if line.startswith("| `")]

    assert len(rows) > 50
    assert not [row[0] for row in rows if len(row[3].strip(" |")) < 10]
