"""The queues, as data: no message can get lost on its way, or go in circles."""

import pytest

from shared.broker.memory import matches
from shared.broker.topology import QUEUE_OF_STAGE, Lane, Queue
from shared.jobs import Stage

LANE = Lane("image.processing")
QUEUES = {queue.name: queue for queue in LANE.topology.queues}


def test_names() -> None:
    assert set(QUEUES) == {
        "image.processing.download",
        "image.processing.processing",
        "image.processing.upload",
        "image.processing.cleanup",
        "image.processing.dead",
        "image.processing.updates",
        "image.processing.retry.5s",
        "image.processing.retry.30s",
        "image.processing.retry.2m",
        "image.processing.retry.10m",
    }
    assert Lane().queue("process") == "video.processing.processing"


@pytest.mark.parametrize("stage", QUEUE_OF_STAGE)
def test_stage_of_a_queue(stage: Stage) -> None:
    assert LANE.stage(LANE.queue(stage)) == stage
    assert Lane("other").stage(LANE.queue(stage)) is None


@pytest.mark.parametrize(
    "queue",
    [queue for queue in QUEUES.values() if queue.name != LANE.updates],
    ids=lambda q: q.name,
)
def test_jobs_lie_in_quorum_queues(queue: Queue) -> None:
    assert queue.arguments["x-queue-type"] == "quorum"


@pytest.mark.parametrize("stage", QUEUE_OF_STAGE)
def test_what_cannot_be_delivered_goes_on(stage: Stage) -> None:
    arguments = QUEUES[LANE.queue(stage)].arguments
    beyond = LANE.dead if stage == "cleanup" else LANE.queue("cleanup")
    assert arguments["x-dead-letter-exchange"] == ""
    assert arguments["x-dead-letter-routing-key"] == beyond
    assert arguments["x-dead-letter-strategy"] == "at-least-once"
    assert arguments["x-overflow"] == "reject-publish"
    assert arguments["x-delivery-limit"] == (1000 if stage == "cleanup" else 10)


def test_wait_queues_lead_back_by_the_kept_routing_key() -> None:
    for delay, seconds in LANE.retry_delays.items():
        queue = QUEUES[LANE.retry(delay)]
        assert queue.arguments["x-message-ttl"] == seconds * 1000
        assert queue.arguments["x-dead-letter-exchange"] == ""
        assert "x-dead-letter-routing-key" not in queue.arguments
        assert queue.bindings == {LANE.retry(delay): ""}


def test_dead_jobs_stay_however_often_they_are_looked_at() -> None:
    arguments = QUEUES[LANE.dead].arguments
    assert arguments["x-delivery-limit"] == 2**31 - 1
    assert "x-dead-letter-exchange" not in arguments
    assert "x-message-ttl" not in arguments


@pytest.mark.parametrize(
    ("pattern", "key", "taken"),
    [
        ("#", "", True),
        ("#", "a.b.c", True),
        ("a.*", "a.b", True),
        ("a.*", "a", False),
        ("a.*", "a.b.c", False),
        ("a.#", "a", True),
        ("a.#", "a.b.c", True),
        ("a.#", "ab", False),
        ("*.completed", "a.completed", True),
        ("*.completed", "a.b.completed", False),
        ("#.completed", "completed", True),
        ("#.completed", "a.b.completed", True),
        ("#.completed", "a.incompleted", False),
        ("a.#.z", "a.z", True),
        ("a.#.z", "a.b.c.z", True),
        ("a.#.z", "az", False),
        ("a-b.(x)", "a-b.(x)", True),
    ],
)
def test_topic_patterns(pattern: str, key: str, taken: bool) -> None:
    assert matches(pattern, key) is taken
