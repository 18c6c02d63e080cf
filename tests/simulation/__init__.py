"""The pipeline in a simulated world: many processes, one seed, and everything that goes wrong.

Everything of Millrace is real but its clock, its scheduler and its network. A seed decides every
step, so that a failure can be looked at again: `python -m tests.simulation --start SEED --trace`.
"""
