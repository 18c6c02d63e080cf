"""Between jobs and messages."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.broker import frames
from shared.broker.base import MAX_BODY_BYTES, Message
from shared.envelope import (
    ACCEPTED,
    Anonymous,
    Job,
    attempt_of,
    dead_letter_of,
    decode,
    encode,
    job_id_of,
    sent_again,
    short,
)
from shared.errors import InvalidJob
from shared.jobs import CancelRequest, CleanupJob, DownloadJob, Reference, Stage
from tests.jobs import cleanup_job, download_job, processing_job, upload_job

JOBS: dict[Stage, Job] = {
    "download": download_job("käse", operations=["blur", {"op": "resize", "width": 3}]),
    "process": processing_job("v"),
    "upload": upload_job("v"),
    "cleanup": cleanup_job("v", "failed"),
}


@pytest.mark.parametrize("stage", ACCEPTED)
def test_every_job_is_read_as_it_was_written(stage: Stage) -> None:
    message = encode(JOBS[stage])
    assert decode(message, stage) == JOBS[stage]
    assert message.type is not None
    assert message.type.startswith("millrace.")
    assert message.correlation_id == JOBS[stage].job_id


def test_message_id_is_the_same_for_the_same_step() -> None:
    assert encode(JOBS["process"]).message_id == encode(JOBS["process"]).message_id
    ids = {encode(job).message_id for job in JOBS.values()}
    assert len(ids) == len(JOBS)


@given(st.text(min_size=1, max_size=200).filter(lambda text: text.isprintable()))
def test_any_job_id_fits_into_properties(job_id: str) -> None:
    message = encode(download_job(job_id))
    assert message.message_id is not None
    assert message.correlation_id is not None
    assert len(message.message_id.encode()) <= 255
    assert len(message.correlation_id.encode()) <= 255
    assert decode(message, "download") == download_job(job_id)


def test_short_cuts_no_character_in_half() -> None:
    assert short("é" * 150) == "é" * 100


def test_long_result_is_named_by_a_reference() -> None:
    job = upload_job("v", outputs=400)
    message = encode(job, committed_by="process")
    assert len(message.body) < 1000
    assert decode(message, "upload") == Reference(
        job_id="job", run=1, volume="v", committed="process"
    )
    with pytest.raises(InvalidJob, match="bytes"):
        encode(job)


def test_strangers_may_write_no_more_than_the_limit() -> None:
    body = encode(download_job(metadata={"a": "x" * MAX_BODY_BYTES})).body
    with pytest.raises(InvalidJob, match=str(MAX_BODY_BYTES)):
        decode(Message(body=body), "download")
    with pytest.raises(InvalidJob, match="bytes"):
        decode(Message(body=b" " * 10**6, type="millrace.download.v1"), "download")


@pytest.mark.parametrize("stage", ACCEPTED)
@pytest.mark.parametrize("body", [b"", b"{", b"1", b"null", b'"a"', b"[]", b"{}", b"\xff\xfe"])
def test_what_is_no_job_is_invalid(stage: Stage, body: bytes) -> None:
    with pytest.raises(InvalidJob):
        decode(Message(body=body), stage)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_job_or_invalid(body: bytes) -> None:
    for stage in ACCEPTED:
        with pytest.raises(InvalidJob):
            decode(Message(body=body, message_id="m"), stage)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=8,
)
_FIELDS = ["jobId", "run", "source", "operations", "metadata", "ttlHours", "volume", "outcome"]
_FIELDS += ["inputPath", "outputDir", "request", "original", "manifest", "costs", "committed"]


@given(st.dictionaries(st.sampled_from(_FIELDS), _JSON))
def test_any_fields_are_a_job_or_invalid(fields: dict[str, Any]) -> None:
    message = Message(body=json.dumps(fields).encode(), message_id="m")
    for stage in ACCEPTED:
        sentence = ""
        try:
            assert decode(message, stage).job_id
        except InvalidJob as error:
            sentence = str(error)
        assert "\n" not in sentence
        assert job_id_of(message) is None or isinstance(job_id_of(message), str)


def test_job_without_any_id_is_anonymous() -> None:
    with pytest.raises(Anonymous):
        decode(Message(body=b'{"source": "https://a"}'), "download")
    with pytest.raises(InvalidJob):
        decode(Message(body=b'{"jobless": "https://a"}'), "download")
    named = decode(Message(body=b'{"source": "a", "jobId": null}', message_id="m"), "download")
    assert named.job_id == "m"


def test_numbers_are_ids_too() -> None:
    job = decode(Message(body=b'{"jobId": 42, "source": "https://a"}'), "download")
    assert job.job_id == "42"


def test_cancelling_is_all_that_users_ask_of_cleanup() -> None:
    body = b'{"jobId": "a", "outcome": "cancelled"}'
    assert decode(Message(body=body), "cleanup") == CancelRequest(job_id="a", outcome="cancelled")
    for outcome in ("completed", "failed", "expired", "rejected", ""):
        with pytest.raises(InvalidJob, match="outcome"):
            decode(Message(body=body.replace(b"cancelled", outcome.encode())), "cleanup")
    assert isinstance(decode(encode(cleanup_job("v")), "cleanup"), CleanupJob)


@pytest.mark.parametrize(
    ("headers", "attempt"),
    [
        ({}, 1),
        ({"attempt": 3}, 3),
        ({"attempt": 0}, 1),
        ({"attempt": -2}, 1),
        ({"attempt": "3"}, 1),
        ({"attempt": None}, 1),
        ({"attempt": [2]}, 1),
    ],
)
def test_attempt_of(headers: dict[str, Any], attempt: int) -> None:
    assert attempt_of(Message(body=b"", headers=headers)) == attempt


@pytest.mark.parametrize(
    ("deaths", "found"),
    [
        (None, None),
        ([], None),
        ([{"queue": "a.retry.5s", "reason": "expired"}], None),
        ([{"queue": "a", "reason": "delivery_limit"}], ("a", "delivery_limit")),
        (
            [
                {"queue": "a.retry", "reason": "expired"},
                {"queue": "a", "reason": "delivery_limit"},
            ],
            ("a", "delivery_limit"),
        ),
        ("nonsense", None),
        (["nonsense", 1, None], None),
        (7, None),
        ({"queue": "a"}, None),
        ([{}], None),
    ],
)
def test_dead_letter_of(deaths: Any, found: tuple[str, str] | None) -> None:
    assert dead_letter_of(Message(body=b"", headers={"x-death": deaths})) == found


def test_sent_again_is_the_same_without_the_brokers_headers() -> None:
    message = Message(
        body=b"b",
        type="t",
        message_id="m",
        correlation_id="c",
        headers={"x-death": [], "x-delivery-count": 3, "traceparent": "00-1", "attempt": 1},
        timestamp=5.0,
    )
    again = sent_again(message, attempt=2)
    assert again.headers == {"traceparent": "00-1", "attempt": 2}
    assert (again.body, again.type, again.message_id) == (b"b", "t", "m")
    assert (again.correlation_id, again.timestamp) == ("c", 5.0)


def test_unknown_fields_are_ignored() -> None:
    job = decode(Message(body=b'{"jobId": "a", "source": "b", "whatever": [1]}'), "download")
    assert job == DownloadJob(job_id="a", source="b")


def test_job_that_grows_too_long_when_written_again_is_refused() -> None:
    """1e9 is written as 1000000000.0: it could be neither handed on nor parked."""
    widths = ",".join(["1e9"] * 7000)
    body = (
        f'{{"jobId":"a","source":"x:/","operations":[{{"op":"resize","w":[{widths}]}}]}}'.encode()
    )
    assert len(body) < MAX_BODY_BYTES
    with pytest.raises(InvalidJob, match="bytes"):
        decode(Message(body=body), "download")


@pytest.mark.parametrize(
    "strange",
    [
        {"a": "x" * 130_000},
        {"a": "\N{ROCKET}" * 4000},
        {"a": [0.0] * 14_000},
        {"a": [None] * 100_000},
        {f"name-{number}": {} for number in range(9000)},
        {"a" * 128: [2**40] * 10_000},
    ],
    ids=["text", "wide text", "floats", "nothings", "names", "numbers"],
)
def test_headers_of_strangers_leave_room_for_ours_in_their_frame(strange: dict[str, Any]) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    message = Message(b"{}", headers={**strange, "attempt": 3, "traceparent": trace})
    again = sent_again(message, reason="r" * 1000, stage="process")
    limit = 131_072
    sent = frames.publish(1, "", "key", again, persistent=True, mandatory=True, frame_max=limit)
    method = frames.AROUND_BYTES + frames.HEAD.unpack_from(sent)[2]
    assert frames.HEAD.unpack_from(sent, method)[2] <= limit - frames.AROUND_BYTES
    assert (attempt_of(again), again.headers["traceparent"]) == (3, trace)
    assert again.headers["reason"] == "r" * 1000


def test_short_headers_of_strangers_go_along() -> None:
    assert sent_again(Message(b"{}", headers={"a": "b"}), c=1).headers == {"a": "b", "c": 1}
