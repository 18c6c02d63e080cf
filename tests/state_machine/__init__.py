"""The workspace against a plain model: Hypothesis looks for steps after which the two differ.

`make state-machine` runs 2,000 examples of 100 steps; a shorter form is in `make test`.
"""
