"""What cannot run again stays parked."""

import json
from typing import Any

import pytest

from millrace.parked import CannotRedrive
from shared.broker.base import Message
from shared.errors import BrokerUnavailable
from tests.deliveries import ended_well
from tests.flow import Flow, UnreliableBroker
from tests.unit.millrace.parked.dead import ids, park, redrive
from tests.waiting import until


async def test_what_is_not_confirmed_stays_parked(one: Flow) -> None:
    assert isinstance(one.broker, UnreliableBroker)
    await park(one, 1)
    one.broker.refuses = lambda key: key == one.lane.queue("download")
    with pytest.raises(BrokerUnavailable):
        await redrive(one)
    assert await ids(one) == ["job-0"]


async def test_a_message_that_was_no_job_cannot_run_again(one: Flow) -> None:
    await one.send({"jobId": "wrong"})
    await until(lambda: bool(one.events))
    with pytest.raises(CannotRedrive, match=r"wrong was no valid job \(source: Field required\)"):
        await redrive(one)
    assert await ids(one) == ["wrong"]


async def test_another_request_under_a_used_id_does_not_become_its_next_run(one: Flow) -> None:
    await one.submit()
    await ended_well(one)
    await one.submit(source="https://example.com/other.jpg")
    await until(lambda: bool(one.about("job", {"rejected"})))
    with pytest.raises(CannotRedrive, match="another request"):
        await redrive(one)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"jobId": "job", "source": "https://example.com/a.jpg", "run": 1000}, "run: "),
        ({"jobId": "job"}, "source: "),
    ],
)
async def test_a_job_without_a_next_run_stays_parked(
    one: Flow, body: dict[str, Any], sentence: str
) -> None:
    message = Message(json.dumps(body).encode(), headers={"parked": "failed", "run": 1000})
    await one.broker.publish(message, one.lane.dead)
    with pytest.raises(CannotRedrive, match=f"job cannot run again: {sentence}"):
        await redrive(one)
    assert await ids(one) == ["job"]
