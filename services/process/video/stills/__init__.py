"""Pictures of a film: found by jumps between its key frames."""
