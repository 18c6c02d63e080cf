"""The eye on everything that a service works on: once a second, as long as it lives."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from shared.running import Running, due_for_renewal, stop_what_must_end, tell_started
from shared.settings import DeliverySettings

LOOK_SECONDS = 1.0


class Supervisor:
    """Tells of what began, stops what must end, renews deliveries that grow old.

    Args:
        running: what the service works on; the consumer adds and removes.
        renew: lets another message take a delivery's place.
    """

    def __init__(
        self,
        running: set[Running],
        settings: DeliverySettings,
        renew: Callable[[Running], Awaitable[None]],
    ) -> None:
        self._running = running
        self._settings = settings
        self._renew = renew
        self._renewals: set[asyncio.Task[None]] = set()

    async def watch(self) -> None:
        """Look, again and again, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                self.look()
            except Exception as error:
                # Whatever one job's disk says, the others must be looked after.
                structlog.get_logger().error("supervisor", error=repr(error))

    def look(self) -> None:
        """See to everything that runs, once. Never waits."""
        tell_started(self._running)
        stop_what_must_end(self._running, self._settings)
        for running in due_for_renewal(self._running, self._settings):
            running.renewal = asyncio.create_task(self._renewed(running))
            self._renewals.add(running.renewal)
            running.renewal.add_done_callback(self._renewals.discard)

    async def _renewed(self, running: Running) -> None:
        try:
            await self._renew(running)
        finally:
            running.renewal = None
