"""A long run of everything at once, under faults from a seed: `python -m tests.soak --minutes 60`."""
