"""The limits of time together."""

from functools import partial

import pytest

from millrace.limits import limits
from millrace.serving import serve
from millrace.settings import BadSetting, read


def test_the_shortest_limit_is_what_a_film_has() -> None:
    told = limits(read)

    assert told[0].startswith("a film is processed for 25 minutes at most")
    assert told[-1] == "deliveries are renewed after 20 of the broker's 30 minutes"


def test_a_limit_of_ffmpeg_that_the_stage_never_reaches_is_refused() -> None:
    with pytest.raises(BadSetting, match=r"^FFMPEG_LIMIT_SECONDS: 7200 .*STAGE_LIMIT_SECONDS"):
        limits(partial(read, ffmpeg_limit_seconds=7200))


def test_both_raised_together_are_taken() -> None:
    both = partial(read, ffmpeg_limit_seconds=7200, stage_limit_seconds=7200)

    assert limits(both)[0].startswith("a film is processed for 120 minutes")


def test_a_stage_that_may_work_longer_than_a_job_lives_is_told() -> None:
    told = limits(partial(read, stage_limit_seconds=90_000))

    assert "longer than a job's life" in told[0]


@pytest.mark.parametrize(
    ("variable", "value"),
    [("DELIVERY_RENEW_SECONDS", "3600"), ("FFMPEG_LIMIT_SECONDS", "7200")],
)
def test_a_service_that_cannot_work_does_not_start(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AMQP_URL", "amqp://127.0.0.1:1/")
    monkeypatch.setenv(variable, value)

    with pytest.raises(SystemExit) as ended:
        serve("process")

    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith(f"millrace: {variable}: {value} is ")
