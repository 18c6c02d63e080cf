"""Messages that are no valid job, or another's."""

from pathlib import Path

import pytest

from shared.jobs import Stage
from tests.deliveries import Gate, ended_well, rejected
from tests.flow import flow
from tests.waiting import soon, until

BAD: dict[str, tuple[bytes, str]] = {
    "no JSON": (b"{", "no JSON"),
    "empty": (b"", "no JSON"),
    "no UTF-8": (b'{"jobId": "\xff"}', "no JSON"),
    "no object": (b"[1]", "no JSON object"),
    "null": (b"null", "no JSON object"),
    "no source": (b'{"jobId": "job"}', "source"),
    "empty id": (b'{"jobId": "", "source": "https://a"}', "jobId"),
    "long id": (b'{"jobId": "%s", "source": "https://a"}' % (b"x" * 201), "jobId"),
    "id of no text": (b'{"jobId": {}, "source": "https://a"}', "jobId"),
    "bad operation": (b'{"jobId": "job", "source": "a", "operations": [{}]}', "operations.0"),
    "no operations": (b'{"jobId": "job", "source": "a", "operations": []}', "operations"),
    "bad time": (b'{"jobId": "job", "source": "a", "ttlHours": -1}', "ttlHours"),
    "old without folder": (b'{"jobId": "job", "inputPath": "/a"}', "outputDir"),
    "old with template": (b'{"jobId": "j", "inputPath": "/a", "outputDir": "{x}"}', "outputDir"),
    "too long": (b'{"jobId": "job", "source": "%s"}' % (b"x" * 32 * 1024), "32768"),
}


@pytest.mark.parametrize(("body", "names"), BAD.values(), ids=BAD.keys())
async def test_what_is_no_job_is_parked_with_the_reason(
    tmp_path: Path, body: bytes, names: str
) -> None:
    async with flow(tmp_path) as one:
        await one.send(body, message_id="m-1", headers={"mine": 1})
        await until(lambda: bool(rejected(one)))
        await one.quiet()
        (event,) = rejected(one)
        assert event["data"]["messageId"] == "m-1"
        assert names in event["data"]["error"]["message"]
        assert event["data"]["error"]["error"] == "InvalidJob"
        (parked,) = await one.parked()
        assert parked.body == body
        assert names in parked.headers["reason"]
        assert (parked.headers["mine"], parked.headers["stage"]) == (1, "download")
        assert one.calls == {}
        assert one.left() == []
        await one.submit("next")
        await ended_well(one, "next")


async def test_rejected_event_names_the_job_where_there_is_one(tmp_path: Path) -> None:
    async with flow(tmp_path) as one:
        await one.send({"jobId": "mine"})
        assert (await one.end_of("mine"))["jobId"] == "mine"


@pytest.mark.parametrize("stage", ["process", "upload", "cleanup"])
async def test_bad_messages_between_stages_are_parked(tmp_path: Path, stage: Stage) -> None:
    async with flow(tmp_path) as one:
        await one.send(b'{"jobId": "job", "run": 1, "volume": "v"}', stage)
        (parked,) = await one.parked()
        assert parked.headers["stage"] == stage
        assert one.calls == {}


async def test_id_used_for_another_request_is_refused(tmp_path: Path) -> None:
    async with flow(tmp_path) as one:
        gate = one.before["process"] = Gate()
        await one.submit(operations=["blur"])
        await soon(gate.entered.wait())
        await one.submit(operations=["thumbnail"])
        event = await one.event("job", {"rejected"})
        assert event["data"]["error"]["error"] == "JobIdReused"
        gate.opened.set()
        await until(lambda: bool(one.about("job", {"completed"})))
        await one.submit(operations=["thumbnail"])
        await until(lambda: len(one.about("job", {"rejected"})) == 2)
        await one.quiet()
        assert one.calls["download"] == 1
        assert await one.keys() == ["job/copy-0.jpg"]


async def test_anonymous_job_gets_an_id_once(tmp_path: Path) -> None:
    async with flow(tmp_path) as one:
        await one.send({"source": "https://example.com/a.jpg"})
        await until(lambda: any(event["type"].endswith("completed") for event in one.events))
        await one.quiet()
        assert one.calls["download"] == 1
        subjects = {event["subject"] for event in one.events}
        assert len(subjects) == 1
        assert subjects != {"anonymous"}


async def test_two_anonymous_jobs_are_two(tmp_path: Path) -> None:
    async with flow(tmp_path) as one:
        for _ in range(2):
            await one.send({"source": "https://example.com/a.jpg"})
        await until(lambda: one.calls["cleanup"] == 2)
        await one.quiet()
        assert len(await one.keys()) == 2


async def test_message_id_is_the_job_id_where_there_is_none(tmp_path: Path) -> None:
    async with flow(tmp_path) as one:
        await one.send({"source": "https://example.com/a.jpg"}, message_id="m-7")
        await ended_well(one, "m-7")


async def test_older_shape_is_a_job(tmp_path: Path) -> None:
    async with flow(tmp_path) as one:
        await one.send(
            {
                "jobId": "old",
                "inputPath": "/media/ein Bild?.jpg",
                "outputDir": "/media/out/",
                "operations": ["thumbnail", "blur", "low-quality"],
                "timestamp": "2024-01-01T00:00:00Z",
                "retryCount": 0,
            }
        )
        end = await ended_well(one, "old")
        assert end["source"] == "file:///media/ein%20Bild%3F.jpg"
