"""What follows from an error: a table."""

import pytest

from shared.errors import (
    BrokerUnavailable,
    CorruptMedia,
    InvalidJob,
    JobIdReused,
    JobLocked,
    MillraceError,
    OtherVolume,
    SourceUnavailable,
    TimeLimit,
    WorkspaceFull,
)
from shared.jobs import Stage
from shared.retry import Decision, Later, decide, sentence

DELAYS = ("5s", "30s", "2m", "10m")


@pytest.mark.parametrize("stage", ["download", "process", "upload"])
@pytest.mark.parametrize(
    ("error", "attempt", "decision"),
    [
        (SourceUnavailable(), 1, Later("5s", counted=True)),
        (SourceUnavailable(), 2, Later("30s", counted=True)),
        (SourceUnavailable(), 3, Later("2m", counted=True)),
        (SourceUnavailable(), 4, Later("10m", counted=True)),
        (SourceUnavailable(), 5, Later("10m", counted=True)),
        (SourceUnavailable(), 6, "fail"),
        (SourceUnavailable(), 1000, "fail"),
        (ZeroDivisionError(), 1, Later("5s", counted=True)),
        (ZeroDivisionError(), 6, "fail"),
        (MillraceError(), 1, Later("5s", counted=True)),
        (BrokerUnavailable(), 2, Later("30s", counted=True)),
        (JobLocked(), 1, Later("5s", counted=False)),
        (WorkspaceFull(), 100, Later("5s", counted=False)),
        (OtherVolume(), 6, Later("5s", counted=False)),
        (CorruptMedia(), 1, "fail"),
        (TimeLimit(), 1, "fail"),
        (InvalidJob(), 1, "fail"),
        (JobIdReused(), 6, "fail"),
    ],
)
def test_decide(stage: Stage, error: Exception, attempt: int, decision: Decision) -> None:
    assert decide(error, stage, attempt, 6, DELAYS) == decision


@pytest.mark.parametrize(
    ("error", "attempt", "decision"),
    [
        (SourceUnavailable(), 1, Later("5s", counted=True)),
        (SourceUnavailable(), 1000, Later("10m", counted=True)),
        (CorruptMedia(), 6, Later("10m", counted=True)),
        (ZeroDivisionError(), 9, Later("10m", counted=True)),
        (JobLocked(), 9, Later("5s", counted=False)),
        (InvalidJob(), 1, Later("5s", counted=True)),
    ],
)
def test_cleanup_is_never_given_up(error: Exception, attempt: int, decision: Decision) -> None:
    assert decide(error, "cleanup", attempt, 6, DELAYS) == decision


def test_sentence_is_ours_or_says_that_it_is_not() -> None:
    assert sentence(CorruptMedia("The photo is cut off.")) == "The photo is cut off."
    assert sentence(CorruptMedia()) == "The file is damaged."
    assert sentence(KeyError("a")) == "unexpected KeyError: 'a'"
