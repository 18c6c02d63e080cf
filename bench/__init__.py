"""Benchmarks: each against a peer in the same run, as a ratio of medians."""
