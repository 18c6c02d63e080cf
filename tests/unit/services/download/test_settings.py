from ipaddress import ip_network
from pathlib import Path

import pytest
from pydantic import ValidationError

from services.download.settings import DownloadSettings


def test_nothing_local_is_open_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SOURCE_ROOTS", "SOURCE_BUCKETS", "ALLOWED_NETWORKS", "ALLOWED_PORTS"):
        monkeypatch.delenv(name, raising=False)
    settings = DownloadSettings()
    assert settings.source_roots == ()
    assert settings.source_buckets == ()
    assert settings.allowed_networks == ()
    assert [ports[0] for ports in settings.allowed_ports] == [80, 443, 8080, 8443]


def test_lists_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_ROOTS", "/srv/a:/srv/b, /srv/c")
    monkeypatch.setenv("SOURCE_BUCKETS", "one, two,")
    monkeypatch.setenv("ALLOWED_NETWORKS", "10.0.0.0/8, fd00::/8")
    monkeypatch.setenv("ALLOWED_PORTS", "80, 9000-9002")
    settings = DownloadSettings()
    assert settings.source_roots == (Path("/srv/a"), Path("/srv/b"), Path("/srv/c"))
    assert settings.source_buckets == ("one", "two")
    assert settings.allowed_networks == (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))
    assert settings.allowed_ports == (range(80, 81), range(9000, 9003))


def test_lists_are_taken_as_values_too() -> None:
    settings = DownloadSettings(
        source_roots=(Path("/srv"),),
        allowed_networks=(ip_network("127.0.0.0/8"),),
        allowed_ports=(range(1, 65536),),
    )
    assert settings.source_roots == (Path("/srv"),)
    assert settings.allowed_ports == (range(1, 65536),)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("SOURCE_ROOTS", "relative/folder"),
        ("ALLOWED_NETWORKS", "10.0.0.1/8"),
        ("ALLOWED_NETWORKS", "example.com"),
        ("ALLOWED_PORTS", "http"),
        ("ALLOWED_PORTS", "0"),
        ("ALLOWED_PORTS", "70000"),
        ("ALLOWED_PORTS", "90-80"),
        ("ALLOWED_PORTS", "80-"),
        ("MAX_DOWNLOAD_BYTES", "0"),
        ("DOWNLOAD_TIMEOUT_SECONDS", "0"),
        ("USER_AGENT", "a\r\nHost: b"),
    ],
)
def test_a_bad_value_is_refused_and_its_field_named(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ValidationError, match=variable.lower()):
        DownloadSettings()
