import os
import subprocess
import sys
from pathlib import Path

import pytest

from millrace.reference import settings_page
from millrace.settings import BadSetting, read
from shared.settings import BrokerSettings, DeliverySettings, WorkspaceSettings
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


def test_a_renewal_that_the_broker_does_not_wait_for_is_refused() -> None:
    with pytest.raises(
        BadSetting, match=r"^DELIVERY_RENEW_SECONDS: 1700 is too late.*at most 1620"
    ):
        read(DeliverySettings, delivery_renew_seconds=1700)


def test_the_default_renewal_is_refused_where_the_broker_waits_less() -> None:
    with pytest.raises(BadSetting, match=r"CONSUMER_TIMEOUT_SECONDS \(600\); at most 540"):
        read(DeliverySettings, consumer_timeout_seconds=600)


def test_a_late_renewal_is_taken_where_the_broker_waits_longer() -> None:
    patient = read(DeliverySettings, consumer_timeout_seconds=7200, delivery_renew_seconds=6000)

    assert patient.delivery_renew_seconds == 6000


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("amqp://", "names no host"),
        ("amqp://u:hush@/v", "names no host"),
        ("amqp://u:hush@rabbit:99999/", "host or its port cannot be read"),
        ("amqp://u:hush@rabbit:port/", "host or its port cannot be read"),
        ("amqp://u:hush@rabbit:0/", "port must be from 1 to 65535"),
        ("amqp://u:hush@rab..bit/", "host or its port cannot be read"),
        ("amqp://u:hu#sh@rabbit:5672/", "host or its port cannot be read"),
        ("amqp://u:12#hush@rabbit:5672/", "has a # or an @ behind its host"),
        ("amqp://u:12/hush@rabbit:5672/", "has a # or an @ behind its host"),
        ("amqp://u:12?hush@rabbit:5672/", "has a # or an @ behind its host"),
        ("http://u:hush@rabbit/", "should match pattern"),
    ],
)
def test_an_address_of_no_broker_is_refused_without_its_password(address: str, reason: str) -> None:
    with pytest.raises(BadSetting, match=f"^AMQP_URL: .*{reason}") as refused:
        read(BrokerSettings, amqp_url=address)

    assert "hu" not in str(refused.value).replace("should", "")


@pytest.mark.parametrize(
    "address",
    [
        "amqp://rabbit",
        "amqps://u:p%23%2F%40@rabbit_1.example.com:5671/%2F?timeout=5",
        "amqp://u:p@ss@[::1]:5672/lane",
    ],
)
def test_an_address_of_a_broker_is_taken_as_it_is(address: str) -> None:
    assert read(BrokerSettings, amqp_url=address).amqp_url == address


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
