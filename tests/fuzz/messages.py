"""Messages to each of the four queues: from the schemas, bent a little, or no JSON at all."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from hypothesis import strategies as st

from shared.broker.base import MAX_BODY_BYTES, Message
from shared.broker.topology import QUEUE_OF_STAGE, Lane
from shared.envelope import TYPE_OF
from shared.jobs import Stage
from tests.conftest import ROOT
from tests.fuzz.schema import anything, fitting

SCHEMAS: Mapping[Stage, tuple[str, ...]] = {
    "download": ("download",),
    "process": ("processing",),
    "upload": ("upload",),
    "cleanup": ("cleanup", "cancel"),
}


ODD: Mapping[str, bytes] = {
    "nothing": b"",
    "null": b"null",
    "a list": b"[]",
    "an empty object": b"{}",
    "another encoding": b"\xff\xfe{}",
    "a byte order mark": b"\xef\xbb\xbf{}",
    "no number": b'{"jobId":NaN}',
    "too large a number": b'{"jobId":1e999,"source":"x"}',
    "a name twice": b'{"jobId":"a","jobId":"b","source":"file:///"}',
    "half a character": b'{"jobId":"\\ud800","source":"x"}',
    "deep": b'{"jobId":' + b"[" * 900 + b"]" * 900 + b"}",
    "too deep": b'{"jobId":' + b"[" * 9000 + b"]" * 9000 + b"}",
    "long": b" " * (MAX_BODY_BYTES + 1),
    "a long source": b'{"source":"' + b"x" * MAX_BODY_BYTES + b'"}',
}


@cache
def bodies(stage: Stage) -> st.SearchStrategy[Any]:
    """JSON objects that the stage's schemas allow."""
    texts = [(ROOT / "docs/schemas" / f"{name}.json").read_text() for name in SCHEMAS[stage]]
    return st.one_of([fitting(json.loads(text)) for text in texts])


@st.composite
def bent(draw: st.DrawFn, stage: Stage, volume: str) -> Any:
    """A body that fits, of a job on this volume, with one value replaced, removed or added."""
    body = draw(bodies(stage))
    if "volume" in body:
        body["volume"] = volume
    if draw(st.booleans()):
        where, key = draw(st.sampled_from(list(_places(body))))
        if isinstance(where, dict) and key in where and draw(st.booleans()):
            del where[key]
        else:
            where[key] = draw(anything())
    return body


def _places(value: Any) -> Any:
    """Every (container, key) in `value`; its root has a place of its own for something new."""
    keys: Any = range(len(value)) if isinstance(value, list) else list(value)
    for key in keys:
        yield value, key
        if isinstance(value[key], dict | list):
            yield from _places(value[key])
    if isinstance(value, dict):
        yield value, "unknown"


def odd() -> st.SearchStrategy[bytes]:
    """What has brought down readers of JSON elsewhere."""
    return st.sampled_from(list(ODD)).map(ODD.__getitem__)


def encoded(stage: Stage, volume: str) -> st.SearchStrategy[bytes]:
    """Bodies as bytes: most are JSON, some are cut, some are anything."""
    whole = bent(stage, volume).map(lambda body: json.dumps(body).encode())
    cut = st.tuples(whole, st.integers(0, 200)).map(lambda one: one[0][: -one[1] or None])
    patched = st.tuples(whole, st.binary(min_size=1, max_size=4), st.integers(0, 300)).map(
        lambda one: one[0][: one[2]] + one[1] + one[0][one[2] :]
    )
    return whole | whole | cut | patched | st.binary(max_size=200) | odd()


def headers(lane: Lane) -> st.SearchStrategy[dict[str, Any]]:
    """Headers that a stranger may write, the broker's own and Millrace's among them."""
    queues = st.sampled_from([lane.queue(stage) for stage in QUEUE_OF_STAGE]) | anything()
    reasons = st.sampled_from(["delivery_limit", "expired", "rejected"]) | anything()
    death = st.fixed_dictionaries({}, optional={"queue": queues, "reason": reasons})
    names = ("attempt", "run", "error", "reason", "stage", "parked", "traceparent", "tracestate")
    return st.fixed_dictionaries(
        {},
        optional={
            "x-death": st.lists(death | anything(), max_size=3) | anything(),
            "attempt": st.integers(-3, 9) | anything(),
            **{name: anything() for name in names[1:]},
        },
    )


def messages(stage: Stage, lane: Lane, volume: str) -> st.SearchStrategy[Message]:
    """Messages to one stage of a lane."""
    text = st.text(max_size=60)
    return st.builds(
        Message,
        body=encoded(stage, volume),
        type=st.none() | st.sampled_from([*TYPE_OF.values()]) | text,
        message_id=st.none() | text,
        correlation_id=st.none() | text,
        headers=st.just({}) | headers(lane),
        timestamp=st.floats(0, 2**33) | st.just(0.0),
    )
