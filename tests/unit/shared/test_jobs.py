"""What users may ask for, and how it is written."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import InvalidJob
from shared.jobs import DownloadJob, Request, directory_name
from shared.manifest import Manifest, TrackedFile
from tests.jobs import download_job


def test_a_users_message_in_full() -> None:
    job = DownloadJob.decode(
        """{
          "jobId": "a", "source": "https://example.com/photo.jpg",
          "operations": ["thumbnail", {"op": "resize", "name": "small", "width": 640,
                         "formats": ["webp"], "quality": 80}],
          "destination": "users/42/{jobId}_{name}.{ext}", "metadata": {"userId": 42},
          "keepOriginal": true, "overwrite": true, "ttlHours": 2}"""
    )
    assert job.operations is not None
    thumbnail, resize = job.operations
    assert (thumbnail.op, thumbnail.name, thumbnail.parameters) == ("thumbnail", None, {})
    assert (resize.op, resize.name) == ("resize", "small")
    assert resize.parameters == {"width": 640, "formats": ["webp"], "quality": 80}
    assert job.metadata == {"userId": "42"}
    assert (job.keep_original, job.overwrite, job.ttl_hours) == (True, True, 2)
    assert DownloadJob.decode(job.encode()) == job


def test_defaults() -> None:
    job = DownloadJob.decode('{"jobId": "a", "source": "b"}')
    assert (job.run, job.operations, job.destination) == (1, None, "{jobId}/{name}.{ext}")
    assert (job.keep_original, job.overwrite, job.ttl_hours, job.metadata) == (
        False,
        False,
        None,
        {},
    )


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"source": ""}, "source"),
        ({"source": "x" * 8193}, "source"),
        ({"source": None}, "source"),
        ({"operations": "blur"}, "operations"),
        ({"operations": [""]}, "operations.0"),
        ({"operations": ["../x"]}, "operations.0"),
        ({"operations": ["blur", {"op": "blur", "name": "a/b"}]}, "operations.1.name"),
        ({"operations": ["blur"] * 65}, "operations"),
        ({"destination": ""}, "destination"),
        ({"metadata": {"a": {}}}, "metadata.a"),
        ({"metadata": {str(n): "" for n in range(65)}}, "metadata"),
        ({"keepOriginal": "perhaps"}, "keepOriginal"),
        ({"ttlHours": 0}, "ttlHours"),
        ({"ttlHours": 721}, "ttlHours"),
        ({"run": 0}, "run"),
    ],
)
def test_what_is_wrong_is_named(fields: dict[str, Any], name: str) -> None:
    with pytest.raises(InvalidJob, match=f"^{name}"):
        download_job(**fields)


def test_everything_that_is_wrong_is_named_in_one_line() -> None:
    with pytest.raises(InvalidJob) as caught:
        download_job(ttlHours=-1, source="", run=0)
    for name in ("ttlHours", "source", "run"):
        assert name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_is_wrong_is_one_line_whatever_it_is_called() -> None:
    with pytest.raises(InvalidJob) as caught:
        download_job(metadata={"a\nb": {}})
    assert "\n" not in str(caught.value)


def test_digest_is_of_the_request_alone() -> None:
    assert download_job("a").request.digest == download_job("b", run=2).request.digest
    assert download_job().request.digest != download_job(operations=["blur"]).request.digest


@given(
    st.lists(
        st.fixed_dictionaries(
            {"op": st.just("resize")},
            optional={
                "width": st.integers() | st.floats(allow_nan=False, allow_infinity=False),
                "formats": st.lists(st.text(max_size=5), max_size=3) | st.none(),
                "nested": st.dictionaries(st.text(max_size=3), st.booleans(), max_size=3),
            },
        ),
        min_size=1,
        max_size=4,
    )
)
def test_digest_survives_being_written_down(operations: list[dict[str, Any]]) -> None:
    request = Request.parse({"source": "a", "operations": operations})
    assert Request.decode(request.encode()).digest == request.digest


@given(st.text(min_size=1, max_size=200).filter(lambda text: text.isprintable()))
def test_directory_name_is_one_harmless_segment(job_id: str) -> None:
    name = directory_name(job_id)
    assert name.replace("-", "").replace("_", "").isalnum()
    assert name.isascii()
    assert 0 < len(name) <= 64


def test_directory_names_differ() -> None:
    ids = ["a", "A", "a.b", "a/b", "ä", "a" * 65, "a" * 66]
    assert len({directory_name(job_id) for job_id in ids}) == len(ids)


def test_manifest_replaces_files_of_the_same_path() -> None:
    file = TrackedFile(path="a", size=1, role="original")
    other = TrackedFile(path="b", size=2, role="output")
    manifest = Manifest().with_files(file).with_files(other)
    assert manifest.total_size == 3
    again = manifest.with_files(TrackedFile(path="a", size=5, role="output"))
    assert [(one.path, one.size) for one in again.files] == [("b", 2), ("a", 5)]
    assert manifest.total_size == 3
