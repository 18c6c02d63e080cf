"""The commands that speak to services over RabbitMQ."""

import json
import os
from pathlib import Path

import psutil
import pytest

from tests.acceptance.commands import (
    PATIENCE_SECONDS,
    Ended,
    Program,
    encoder_of,
    encoders_of,
    interrupt,
    standing_still,
    wait,
)
from tests.acceptance.conftest import submitted
from tests.conftest import ROOT
from tests.servers.services import Services

EXAMPLES = ROOT / "examples"
PHOTO = EXAMPLES / "mountains.jpg"
FILM = EXAMPLES / "bunny.mp4"


def test_submit_waits_for_the_end(millrace: Program, running: Services) -> None:
    ended = millrace("submit", PHOTO, "--op", "thumbnail", "--op", "blur", "--wait", "--json")

    assert (ended.code, ended.types) == (0, ["completed"])
    for result in ended.events[0]["data"]["results"]:
        assert (running.uploads / result["key"]).stat().st_size == result["size"]
    assert not running.left


def test_submit_shows_what_failed(millrace: Program, tmp_path: Path) -> None:
    outside = tmp_path / "outside.jpg"
    outside.write_bytes(PHOTO.read_bytes())
    ended = millrace("submit", outside, PHOTO, "--op", "thumbnail", "--wait")

    assert ended.code == 1
    assert "outside.jpg is not under a folder of SOURCE_ROOTS" in ended.err
    assert "thumbnail.webp" in ended.out


def test_submit_says_the_id_and_watch_follows_to_the_end(millrace: Program) -> None:
    job = submitted(millrace, PHOTO, "--op", "thumbnail")
    watched = millrace("watch", job, "--json")

    assert watched.code == 0
    assert watched.types[-1] == "completed"
    assert watched.events[-1]["subject"] == job


def test_watch_knows_a_job_that_has_ended(millrace: Program) -> None:
    job = submitted(millrace, PHOTO, "--op", "thumbnail")
    first, again = millrace("watch", job), millrace("watch", job)

    assert (first.code, again.code) == (0, 0)
    assert again.out.startswith("completed\n")


def test_status_tells_the_outcome(millrace: Program) -> None:
    job = submitted(millrace, PHOTO, "--op", "thumbnail", "--meta", "user=7")
    millrace("watch", job)
    status = json.loads(millrace("status", job, "--json").out)

    assert (status["jobId"], status["state"]) == (job, "completed")
    assert [result["name"] for result in status["results"]] == ["thumbnail"]
    assert "state     completed" in millrace("status", job).out


def test_a_job_under_way_shows_in_status_and_stats_and_can_be_cancelled(
    millrace: Program, running: Services
) -> None:
    job = submitted(millrace, FILM)
    with standing_still(encoder_of(running.pids["process"])):
        status = json.loads(millrace("status", job, "--json").out)
        stats = json.loads(millrace("stats", "--json").out)
        assert millrace("cancel", job).code == 0
        watched = millrace("watch", job)

    assert (status["state"], status["stage"]) == ("begun", "process")
    assert stats["tempFiles"]["video"]["totalJobs"] == 1
    assert [one["job"] for one in stats["jobs"]] == [f"{job}.1"]
    assert (watched.code, watched.out.splitlines()[-1]) == (1, "cancelled")
    assert not running.left


def test_cancelling_kills_the_encoder(millrace: Program, running: Services) -> None:
    operation = {"op": "renditions", "heights": [720, 480, 360], "preset": "veryslow", "crf": 0}
    job = submitted(millrace, FILM, "--op", json.dumps(operation))
    encoder = encoder_of(running.pids["process"])
    asked = json.loads(millrace("cancel", job, "--json").out)
    _, alive = psutil.wait_procs([encoder], timeout=PATIENCE_SECONDS)

    assert asked == {"jobId": job, "asked": "cancelled"}
    assert not alive
    assert millrace("watch", job).out.splitlines()[-1] == "cancelled"
    assert not running.left


def test_ctrl_c_while_waiting_leaves_the_job_alone(millrace: Program, running: Services) -> None:
    assert not [*encoders_of(running.pids["process"])]
    process = millrace.start("submit", FILM, "--wait")
    with standing_still(encoder_of(running.pids["process"])):
        ended, _ = interrupt(process)

    assert ended.code == 130
    assert "the jobs go on without you" in ended.err
    job = ended.err.strip().rpartition(" ")[2]
    assert millrace("watch", job).code == 0


def test_the_sweep_reports_what_is_not_ours(millrace: Program, running: Services) -> None:
    stranger = running.work / running.lane.prefix / "notes.txt"
    stranger.write_text("not Millrace's")
    try:
        dry = json.loads(millrace("sweep", "--dry-run", "--json").out)
        wet = millrace("sweep")
    finally:
        stranger.unlink()

    assert dry["unknown"] == ["notes.txt"]
    assert (wet.code, dry["orphans"]) == (0, [])
    assert "leaves alone, for it is not Millrace's: notes.txt" in wet.out


def test_the_sweep_reports_also_where_the_storage_is_away(
    millrace: Program, tmp_path: Path
) -> None:
    away = Program(tmp_path, {**millrace.settings, "UPLOAD_PATH": str(tmp_path / "away")})
    dry, wet = away("sweep", "--dry-run", "--json"), away("sweep")

    assert (dry.code, json.loads(dry.out)["errors"], dry.err) == (0, [], "")
    assert (wet.code, wet.out, wet.err) == (0, "nothing to sweep\n", "")
    assert not (tmp_path / "away").exists()


def test_check_finds_everything(millrace: Program) -> None:
    ended = millrace("check")

    assert ended.code == 0
    found = {line.split()[1]: line.split()[0] for line in ended.out.splitlines()}
    needed = ("broker", "storage", "disk", "photos", "films", "limits", "isolation")
    assert {found[what] for what in needed} == {"ok"}


def test_check_tells_of_limits_that_cannot_hold(tmp_path: Path) -> None:
    impossible = {"AMQP_URL": "amqp://127.0.0.1:1/", "DELIVERY_RENEW_SECONDS": "1800"}
    ended = Program(tmp_path, impossible)("check")

    assert ended.code == 1
    assert "FAILED  limits    DELIVERY_RENEW_SECONDS: 1800 is too late" in ended.out


def test_check_fails_where_something_needed_is_missing(tmp_path: Path) -> None:
    ended = Program(tmp_path, {"AMQP_URL": "amqp://guest:guest@127.0.0.1:1/"})("check")

    assert ended.code == 1
    assert "FAILED  broker    no RabbitMQ at 127.0.0.1:1" in ended.out
    assert ended.err == ""


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["submit", PHOTO], "no RabbitMQ at 127.0.0.1:1"),
        (["watch", "job"], "no RabbitMQ at 127.0.0.1:1"),
        (["cancel", "job"], "no RabbitMQ at 127.0.0.1:1"),
        (["status", "job"], "has no work directory of"),
        (["stats"], "has no work directory of"),
    ],
)
def test_what_cannot_be_reached_is_named_in_one_sentence(
    tmp_path: Path, arguments: list[str], sentence: str
) -> None:
    ended = Program(tmp_path, {"AMQP_URL": "amqp://guest:guest@127.0.0.1:1/"})(*arguments)

    assert ended.code == 1
    assert sentence in ended.err
    assert len(ended.err.splitlines()) == 1


@pytest.mark.parametrize("command", ["cancel", "watch", "status"])
@pytest.mark.parametrize(
    "job", ["", "x" * 201, os.fsdecode(b"\xe9")], ids=["none", "long", "bytes"]
)
def test_what_is_no_id_is_refused_in_one_sentence(tmp_path: Path, command: str, job: str) -> None:
    ended = Program(tmp_path)(command, job)

    assert ended.code == 2
    assert ended.err.startswith("millrace: JOB: a job's id ")
    assert len(ended.err.splitlines()) == 1


def test_serve_runs_all_stages_in_one_process(amqp_url: str, tmp_path: Path) -> None:
    program = Program(
        tmp_path,
        {
            "AMQP_URL": amqp_url,
            "QUEUE_PREFIX": f"test-{os.urandom(6).hex()}",
            "SOURCE_ROOTS": str(EXAMPLES),
            "HEALTH_HOST": "127.0.0.1",
            "HEALTH_PORT": "0",
        },
    )
    serving = program.start("serve", "all")
    ended = program("submit", PHOTO, "--op", "thumbnail", "--wait", "--json")
    serving.terminate()
    served: Ended = wait(serving)

    assert (ended.err, ended.types) == ("", ["completed"])
    assert served.code == 0
    assert "Traceback" not in served.err
