from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.upload.keys import relative, resolve
from shared.destination import validate
from shared.errors import InvalidJob
from shared.jobs import DEFAULT_DESTINATION
from shared.storage.keys import checked
from tests.unit.services.upload.jobs import job, original, output

CREATED = 1_709_251_199.0  # 2024-02-29 23:59:59 UTC
SMALL = output("small", "webp", b"small")
ORIGINAL = original(b"original")
TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)


def key(destination: str, **request: object) -> str:
    made = job((SMALL,), ORIGINAL, destination=destination, **request)
    return resolve(made, [SMALL], CREATED, None)[0]


@pytest.mark.parametrize(
    ("destination", "expected"),
    [
        (DEFAULT_DESTINATION, "job-1/small.webp"),
        ("users/42/{jobId}_{name}.{ext}", "users/42/job-1_small.webp"),
        ("{YYYY}/{MM}/{DD}/{name}.{ext}", "2024/02/29/small.webp"),
        ("{sha256}.{ext}", f"{SMALL.sha256}.webp"),
        ("{metadata.userId}/{name}", "42/small"),
        ("{metadata.a.b-c}/{name}", "dotted/small"),
        ("Ünal x/{name}", "Ünal x/small"),
    ],
)
def test_fields_are_filled_in(destination: str, expected: str) -> None:
    assert key(destination, metadata={"userId": "42", "a.b-c": "dotted"}) == expected


@pytest.mark.parametrize(
    ("value", "segment"),
    [
        ("plain-1.0_x", "plain-1.0_x"),
        ("a/b", "a~2Fb"),
        ("a@b", "a~40b"),
        ("a~40b", "a~7E40b"),
        ("..", "~2E."),
        (".millrace", "~2Emillrace"),
        ("é\0", "~C3~A9~00"),
        ("{name}", "~7Bname~7D"),
    ],
)
def test_values_stay_in_their_segment(value: str, segment: str) -> None:
    assert key("{metadata.user}/{name}", metadata={"user": value}) == f"{segment}/small"


@given(TEXT, TEXT)
def test_no_two_values_meet_in_one_key(one: str, other: str) -> None:
    keys = {key("{metadata.user}", metadata={"user": value}) for value in (one, other)}
    assert len(keys) == len({one, other})
    assert all(checked(found) == found and "/" not in found for found in keys)


def test_a_job_id_that_is_no_name_becomes_a_digest() -> None:
    found = key("{jobId}/{name}", job_id="../é")
    assert found.startswith("h-")
    assert found.count("/") == 1


@pytest.mark.parametrize(
    ("destination", "sentence"),
    [
        ("{nmae}.{ext}", r"destination: \{nmae\} is no field; there are \{jobId\} \{name\} "),
        ("{}", r"destination: \{\} is no field"),
        ("{metadata.team}/{name}", r"destination: \{metadata\.team\} stands for no value"),
        ("{metadata.empty}/{name}", r"metadata\.empty: is empty"),
        ("{name", "destination: has a brace without its partner"),
        ("name}", "destination: has a brace without its partner"),
        ("{{name}}", "destination: has a brace without its partner"),
        ("../{name}", r"destination: the key '\.\./(small|name)' has the segment '\.\.'"),
        ("a//{name}", "destination: the key .* has the segment ''"),
        ("a\n/{name}", "destination: the key .* cannot be printed"),
        (".millrace/{name}", "destination: the key .* keeps for itself"),
        ("x" * 256, "destination: the key .* more than 255 bytes"),
    ],
)
def test_a_bad_destination_is_named(destination: str, sentence: str) -> None:
    metadata = {"userId": "42", "empty": ""}
    with pytest.raises(InvalidJob, match=sentence):
        key(destination, metadata=metadata)
    with pytest.raises(InvalidJob, match=sentence):
        validate(destination, metadata)


@pytest.mark.parametrize(
    "destination", [DEFAULT_DESTINATION, "/app/uploads/out/{jobId}_{name}.{ext}", "{metadata.a}"]
)
def test_good_destinations_are_valid(destination: str) -> None:
    validate(destination, {"a": "x"})


@pytest.mark.parametrize("destination", ["{jobId}/{name}", "{jobId}/{name}.webp", "{jobId}"])
def test_two_files_under_one_key_are_refused(destination: str) -> None:
    files = [SMALL, output("small", "avif", b"small")]
    with pytest.raises(InvalidJob, match="destination: two files would be stored as"):
        resolve(job((), ORIGINAL, destination=destination), files, CREATED, None)


def test_the_original_is_called_so() -> None:
    made = job((SMALL,), ORIGINAL)
    keys = resolve(made, [SMALL, ORIGINAL], CREATED, None)
    assert keys == ["job-1/small.webp", "job-1/original.jpg"]


ROOT = Path("/app/uploads")


@pytest.mark.parametrize(
    ("template", "root", "expected"),
    [
        ("a/{name}", ROOT, "a/{name}"),
        ("/app/uploads/out/{jobId}_{name}.{ext}", ROOT, "out/{jobId}_{name}.{ext}"),
        ("/app//uploads/./{name}", ROOT, "{name}"),
        ("/app/uploads/out/{name}", None, "app/uploads/out/{name}"),
    ],
)
def test_absolute_destinations(template: str, root: Path | None, expected: str) -> None:
    assert relative(template, root) == expected


@pytest.mark.parametrize(
    "template", ["/etc/{name}", "/app/uploadsx/{name}", "/app/uploads", "/{name}"]
)
def test_absolute_destinations_elsewhere_are_refused(template: str) -> None:
    with pytest.raises(InvalidJob, match=r"outputDir.*does not lie under /app/uploads"):
        relative(template, ROOT)


def test_an_absolute_destination_cannot_climb_out() -> None:
    made = job((SMALL,), ORIGINAL, destination="/app/uploads/../../etc/{name}")
    with pytest.raises(InvalidJob, match=r"has the segment '\.\.'"):
        resolve(made, [SMALL], CREATED, ROOT)
