from pathlib import Path

import pytest
from pydantic import ValidationError

from shared.storage.settings import StorageSettings

R2 = {
    "STORAGE_MODE": "r2",
    "R2_ACCOUNT_ID": "account",
    "R2_ACCESS_KEY_ID": "id",
    "R2_SECRET_ACCESS_KEY": "hush",
    "R2_BUCKET_NAME": "media",
}


@pytest.fixture
def env(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in StorageSettings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    return monkeypatch


def given(env: pytest.MonkeyPatch, values: dict[str, str]) -> StorageSettings:
    for name, value in values.items():
        env.setenv(name, value)
    return StorageSettings()


def test_a_local_folder_by_default(env: pytest.MonkeyPatch) -> None:
    settings = given(env, {})
    assert settings.storage_mode == "local"
    assert settings.upload_path == Path("uploads")
    assert settings.public_url == "/uploads"


def test_an_r2_bucket(env: pytest.MonkeyPatch) -> None:
    bucket = given(env, R2).bucket
    assert bucket.endpoint_url == "https://account.r2.cloudflarestorage.com"
    assert bucket.region == "auto"
    assert bucket.name == "media"
    assert bucket.secret_access_key is not None
    assert bucket.secret_access_key.get_secret_value() == "hush"


def test_an_s3_bucket(env: pytest.MonkeyPatch) -> None:
    names = {
        "STORAGE_MODE": "s3",
        "S3_BUCKET_NAME": "media",
        "S3_ENDPOINT_URL": "http://s3:9000",
        "S3_REGION": "eu-west-1",
        "S3_PUBLIC_URL": "https://cdn",
        "S3_PART_BYTES": str(8 << 20),
        "S3_PARTS_IN_FLIGHT": "2",
    }
    bucket = given(env, names).bucket
    assert (bucket.name, bucket.endpoint_url, bucket.region, bucket.public_url) == (
        "media",
        "http://s3:9000",
        "eu-west-1",
        "https://cdn",
    )
    assert (bucket.part_bytes, bucket.parts_in_flight) == (8 << 20, 2)
    assert bucket.access_key_id is None


@pytest.mark.parametrize("missing", [name for name in R2 if name != "STORAGE_MODE"])
def test_what_r2_lacks_is_named(env: pytest.MonkeyPatch, missing: str) -> None:
    with pytest.raises(ValidationError, match=f"{missing} must be set, since STORAGE_MODE is r2"):
        given(env, {**R2, missing: ""})


def test_what_s3_lacks_is_named(env: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValidationError, match="S3_BUCKET_NAME must be set"):
        given(env, {"STORAGE_MODE": "s3"})
    with pytest.raises(ValidationError, match="S3_SECRET_ACCESS_KEY must be set together"):
        given(env, {"STORAGE_MODE": "s3", "S3_BUCKET_NAME": "b", "S3_ACCESS_KEY_ID": "id"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("STORAGE_MODE", "ftp"),
        ("S3_PART_BYTES", "1000"),
        ("S3_ENDPOINT_URL", "minio:9000"),
        ("S3_ENDPOINT_URL", "minio"),
        ("S3_ENDPOINT_URL", "s3://minio:9000"),
        ("S3_ENDPOINT_URL", "http://:9000"),
        ("S3_ENDPOINT_URL", "http://minio:port"),
        ("S3_ENDPOINT_URL", "http://minio:90000"),
        ("S3_ENDPOINT_URL", "http://key:secret@minio:9000"),
        ("S3_BUCKET_NAME", "s3://media"),
        ("S3_BUCKET_NAME", "media/photos"),
        ("S3_BUCKET_NAME", "my media"),
        ("R2_BUCKET_NAME", "https://media"),
        ("R2_ACCOUNT_ID", "https://account.r2.cloudflarestorage.com"),
    ],
)
def test_bad_values_are_refused(env: pytest.MonkeyPatch, name: str, value: str) -> None:
    with pytest.raises(ValidationError, match=name.lower()):
        given(env, {name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("S3_ENDPOINT_URL", "https://s3.example.com"),
        ("S3_ENDPOINT_URL", "http://[::1]:9000/"),
        ("S3_ENDPOINT_URL", "https://x.example.com/storage/v1/s3"),
        ("S3_BUCKET_NAME", "Media_2.photos-eu"),
        ("S3_BUCKET_NAME", "arn:aws:s3:eu-west-1:123456789012:accesspoint/media"),
        ("R2_ACCOUNT_ID", "0123456789abcdef.eu"),
    ],
)
def test_usual_values_are_taken(env: pytest.MonkeyPatch, name: str, value: str) -> None:
    assert getattr(given(env, {name: value}), name.lower()) == value


def test_secrets_are_not_shown(env: pytest.MonkeyPatch) -> None:
    settings = given(env, R2)
    assert "hush" not in f"{settings!r} {settings.bucket!r} {settings.model_dump_json()}"
