"""Who runs in `bench.flow`: four processes each, one per hop, on the same broker."""
