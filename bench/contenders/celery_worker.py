"""One Celery worker for one hop: `python -m bench.contenders.celery_worker HOP`.

With the prefork pool and one child, all else as by default. FLOW_POOL=solo runs tasks in the
worker itself, without what only chatters beside it: for empty tasks that is Celery's fastest.
A worker waits for the start when it is ready to work, so that its own start is not measured.
"""

import os
import sys
from typing import Any

from celery.signals import worker_ready

from bench.contenders.gate import Gate
from bench.contenders.tasks import FOLDER, QUEUES, app

SOLO = ["-P", "solo", "--without-gossip", "--without-mingle", "--without-heartbeat"]
PREFORK = ["-P", "prefork", "-c", "1"]


def wait_for_start(**_: Any) -> None:
    """Hold the worker's loop up until the driver gives the start."""
    gate.ready(str(hop))
    gate.wait()


hop = int(sys.argv[1])
pool = SOLO if os.environ.get("FLOW_POOL") == "solo" else PREFORK
gate = Gate(FOLDER)
worker_ready.connect(wait_for_start)
app.worker_main(["worker", "-Q", QUEUES[hop], "-n", f"hop{hop}@bench", "-l", "error", *pool])
