"""Queues and exchanges, declared again and again."""

import pytest

from shared.broker.topology import Exchange, Lane, Topology, TopologyMismatch
from tests.contract.broker.messages import depth_is, numbered
from tests.contract.brokers import Subject
from tests.waiting import until


async def test_declaring_again_changes_nothing(subject: Subject) -> None:
    await subject.broker.publish(numbered(1), subject.queue)
    await subject.broker.declare(subject.lane.topology)
    await until(lambda: depth_is(subject, subject.queue, 1))


async def test_other_arguments_are_an_error_that_names_the_queue(subject: Subject) -> None:
    lane = subject.lane
    other = Lane(lane.prefix, {**lane.retry_delays, "middle": 77})
    with pytest.raises(TopologyMismatch, match=lane.retry("middle")):
        await subject.broker.declare(other.topology)
    await subject.broker.declare(lane.topology)
    await subject.broker.publish(numbered(1), subject.queue)


async def test_another_type_is_an_error_that_names_the_exchange(subject: Subject) -> None:
    other = Topology((Exchange(subject.lane.events, "fanout"),), ())
    with pytest.raises(TopologyMismatch, match=subject.lane.events):
        await subject.broker.declare(other)
