"""Fill the first queue of the Celery contender: `python -m bench.contenders.fill_celery N`."""

import sys

from bench.contenders.tasks import app, job

with app.connection_for_write() as connection:
    for number in range(int(sys.argv[1])):
        job(f"{number:06}" + "x" * 900).apply_async(connection=connection)
