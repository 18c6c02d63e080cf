"""One Celery worker for one hop, in one process: `python -m bench.contenders.celery_worker HOP`.

The solo pool runs tasks in the worker itself, which for empty tasks is Celery's fastest.
"""

import asyncio
import sys

from bench.contenders.gate import Gate
from bench.contenders.tasks import FOLDER, QUEUES, app

hop = int(sys.argv[1])
gate = Gate(FOLDER)
gate.ready(str(hop))
asyncio.run(gate.opened())
app.worker_main(
    [
        "worker",
        "-Q",
        QUEUES[hop],
        "-P",
        "solo",
        "-n",
        f"hop{hop}@bench",
        "-l",
        "error",
        "--without-gossip",
        "--without-mingle",
        "--without-heartbeat",
    ]
)
