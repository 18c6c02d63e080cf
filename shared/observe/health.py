"""What a service says about itself over HTTP.

`/health` tells people, `/livez` and `/readyz` tell an orchestrator, `/metrics` Prometheus,
`/info` what runs here. `/livez` never depends on the broker: a restart would not mend that.
"""

import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

import orjson
from aiohttp import web

from shared.broker.base import Broker
from shared.consumer import Consumer
from shared.observe.metrics import Metrics
from shared.observe.tally import Tally
from shared.workspace import Workspace

# Each returns a sentence where something is wrong.
Check = Callable[[], str | None]


class Health:
    """The state of one service.

    Args:
        checks: what else can be wrong here: a dead pool, an overdue sweep.
        details: fields for `/info`.
    """

    def __init__(
        self,
        service: str,
        broker: Broker,
        consumer: Consumer,
        workspace: Workspace,
        metrics: Metrics,
        checks: tuple[Check, ...] = (),
        details: Mapping[str, Any] | None = None,
    ) -> None:
        self._service = service
        self._broker = broker
        self._consumer = consumer
        self._workspace = workspace
        self._metrics = metrics
        self._checks = (
            self._consuming,
            self._connected,
            self._room,
            consumer.fault,
            consumer.troubles.summary,
            *checks,
        )
        self._details = details or {}
        self._tally = Tally(workspace)
        self._started = time.monotonic()

    def _consuming(self) -> str | None:
        # Whoever has it paused says why.
        fine = self._consumer.alive or self._consumer.paused
        return None if fine else "the consumer is gone"

    def _connected(self) -> str | None:
        return None if self._broker.connected else "the broker cannot be reached"

    def _room(self) -> str | None:
        try:
            if not self._workspace.present:
                return "the work directory is gone, or on another volume"
            return "the disk is low" if self._workspace.low else None
        except OSError as error:
            return f"the work directory is gone: {error.strerror}"

    def reasons(self) -> list[str]:
        """All that is wrong now, a sentence each."""
        return [reason for check in self._checks if (reason := check())]

    async def report(self) -> dict[str, Any]:
        """The body of `/health`."""
        reasons = self.reasons()
        return {
            "status": "degraded" if reasons else "ok",
            **({"reasons": reasons} if reasons else {}),
            "service": self._service,
            "uptimeSeconds": round(time.monotonic() - self._started, 1),
            "broker": {"connected": self._broker.connected, "consuming": self._consumer.alive},
            "working": self._consumer.busy,
            **await self._disk(),
        }

    async def _disk(self) -> dict[str, Any]:
        try:
            free, total = self._workspace.space()
            return {
                "tempFiles": await self._tally.temp_files(),
                "disk": {"freeBytes": free, "totalBytes": total},
                "sweep": self._workspace.last_sweep(),
            }
        except OSError as error:
            return {"disk": {"error": str(error)}}

    async def exposition(self) -> bytes:
        """The body of `/metrics`."""
        self._metrics.gauge("working", "Deliveries in hand", self._consumer.busy)
        self._measure_pace()
        self._metrics.gauge(
            "paused", "1 while deliveries are not taken on purpose", self._consumer.paused
        )
        self._metrics.gauge("degraded", "1 where /health says degraded", bool(self.reasons()))
        with suppress(OSError):
            await self._measure_disk()
        return self._metrics.exposition()

    def _measure_pace(self) -> None:
        pace, whose = self._consumer.pace, "the film in hand that is to take longest; 0 without"
        for name, text, value in (
            ("seconds_left", "Estimated seconds for the rest of", pace.seconds_left),
            ("film_speed_ratio", "Seconds of film that are made each second, of", pace.speed),
            ("film_done_ratio", "Share of the work that is done, from 0 to 1, of", pace.done),
        ):
            self._metrics.gauge(name, f"{text} {whose}", value)

    async def _measure_disk(self) -> None:
        free, total = self._workspace.space()
        self._metrics.gauge("disk_free_bytes", "Free bytes of the work directory", free)
        self._metrics.gauge("disk_total_bytes", "All bytes of the work directory", total)
        files = await self._tally.temp_files()
        for name, text in (("totalJobs", "jobs"), ("totalFiles", "files"), ("totalSize", "bytes")):
            value = sum(row[name] for row in files.values())
            self._metrics.gauge(f"temp_{text}", f"Temporary {text} on the disk", value)

    @property
    def info(self) -> dict[str, Any]:
        """The body of `/info`."""
        return {"service": self._service, **self._details}


def application(health: Health) -> web.Application:
    """The routes of a service's health server."""

    async def report(_: web.Request) -> web.Response:
        return _json(await health.report())

    async def live(_: web.Request) -> web.Response:
        return _json({"status": "ok"})

    async def ready(_: web.Request) -> web.Response:
        reasons = health.reasons()
        return _json({"ready": not reasons, "reasons": reasons}, 503 if reasons else 200)

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=await health.exposition(), content_type="text/plain")

    async def info(_: web.Request) -> web.Response:
        return _json(health.info)

    return _routed(
        {"health": report, "livez": live, "readyz": ready, "metrics": metrics, "info": info}
    )


def _routed(
    answers: Mapping[str, Callable[[web.Request], Awaitable[web.StreamResponse]]],
) -> web.Application:
    app = web.Application()
    app.add_routes([web.get(f"/{name}", answer) for name, answer in answers.items()])
    return app


def _json(content: Any, status: int = 200) -> web.Response:
    return web.Response(
        body=orjson.dumps(content, default=str), status=status, content_type="application/json"
    )
