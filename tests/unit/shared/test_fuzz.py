"""Whatever comes in a message: it is a job, or it is refused with a reason. Nothing else."""

import asyncio
import os
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from shared.broker.base import Message
from shared.broker.topology import QUEUE_OF_STAGE, Lane
from shared.envelope import (
    Anonymous,
    attempt_of,
    encode,
    job_id_of,
    sent_again,
    trace_of,
)
from shared.errors import InvalidJob
from shared.intake import Intake
from shared.jobs import Reference, Stage
from shared.retry import sentence
from shared.workspace import Workspace
from tests.flow import TERMINAL, Flow, UnreliableBroker, flow
from tests.fuzz.messages import messages
from tests.waiting import until

STAGES = list(QUEUE_OF_STAGE)
LANE = Lane("fuzz")
# `make fuzz` has many more.
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "60"))
VOLUME = "volume"
unhurried = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@contextmanager
def workspace() -> Iterator[Workspace]:
    with tempfile.TemporaryDirectory() as root:
        one = Workspace(Path(root))
        one.open()
        yield one


# ── the decoder ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("stage", STAGES)
def test_what_is_read_is_a_job_or_is_refused(stage: Stage) -> None:
    with workspace() as work:

        @settings(unhurried, max_examples=EXAMPLES)
        @given(messages(stage, LANE, work.volume))
        def reads(message: Message) -> None:
            found[read(Intake(stage, LANE, work), message)] += 1

        found: Counter[str] = Counter()
        reads()
        print(stage, dict(found))
        assert found["refused"] > 0
        assert found.total() > found["refused"]


def read(intake: Intake, message: Message) -> str:
    """What a message is; a job among them can be written again."""
    try:
        job = intake.read(message)
    except Anonymous:
        return "without an id"
    except InvalidJob as error:
        reason = sentence(error)
    else:
        assert 1 <= len(job.job_id) <= 200
        if not isinstance(job, Reference):
            encode(job, committed_by="upload")
        return type(job).__name__
    assert reason
    assert "\n" not in reason
    return "refused"


@settings(unhurried, max_examples=EXAMPLES)
@given(st.sampled_from(STAGES).flatmap(lambda stage: messages(stage, LANE, VOLUME)))
def test_what_else_is_read_of_a_message_never_fails(message: Message) -> None:
    assert attempt_of(message) >= 1
    assert isinstance(job_id_of(message), str | None)
    assert all(isinstance(value, str) for value in trace_of(message).values())
    again = sent_again(message, attempt=2)
    assert again.body == message.body
    assert not any(name.startswith("x-") for name in again.headers)


# ── through the consumers ────────────────────────────────────────────────────────────────────


async def passes(message: Message, stage: Stage, root: Path) -> str:
    """How one message ends; every way that is no loss has a name."""
    async with flow(root) as one:
        assert isinstance(one.broker, UnreliableBroker)
        await one.broker.publish(message, one.lane.queue(stage))
        await until(lambda: bool(ends(one)) or circles(one), f"an end of {message}")
        if not circles(one):
            await one.quiet()
        for name, consumer in one.consumers.items():
            assert consumer.alive, name
            assert consumer.fault() is None, consumer.fault()
        return await judged(one, message)


def ends(one: Flow) -> list[dict[str, Any]]:
    """The terminal events so far."""
    return [event for event in one.events if event["type"].rpartition(".")[2] in TERMINAL]


def circles(one: Flow) -> bool:
    """Whether it waits: its files are on a volume that is not here."""
    postponed = [one.metrics[stage]._postponed.collect() for stage in STAGES]
    samples = [sample for families in postponed for each in families for sample in each.samples]
    return any(sample.labels.get("error") == "OtherVolume" for sample in samples)


async def judged(one: Flow, message: Message) -> str:
    if circles(one):
        return "waits"
    kind = ends(one)[0]["type"].rpartition(".")[2]
    if kind == "rejected":
        (parked,) = await one.parked()
        assert parked.body == message.body
        assert (parked.headers["parked"], bool(parked.headers["reason"])) == ("rejected", True)
        assert ends(one)[0]["data"]["error"]["message"]
    assert one.left() == []
    return str(kind)


@pytest.mark.parametrize("stage", STAGES)
def test_no_message_is_lost_and_none_stops_a_consumer(stage: Stage) -> None:
    # An example that fails has waited long: to make it smaller would take hours.
    @settings(unhurried, max_examples=EXAMPLES // 3, phases=[Phase.generate])
    @given(messages(stage, LANE, VOLUME), st.booleans())
    def goes(message: Message, here: bool) -> None:
        with tempfile.TemporaryDirectory() as root:
            work = Path(root)
            if here:
                # The message's volume is this one.
                (work / "volume").write_text(VOLUME)
            ended[asyncio.run(passes(message, stage, work))] += 1

    ended: Counter[str] = Counter()
    goes()
    print(stage, dict(ended))
    assert ended["rejected"] > 0
