"""Where results are kept: one protocol, and an adapter for each kind of storage."""
