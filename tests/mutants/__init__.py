"""Planted bugs: each must make a test fail. `make mutants` plants them, one at a time, in a copy.

One file for each area has its list. A bug is one small edit; a text that is not found exactly
once is an error, so that no list grows old unseen.
"""
