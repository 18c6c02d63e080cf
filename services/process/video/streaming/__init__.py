"""Adaptive streaming: the texts that tell a player which pieces there are. Pure."""
