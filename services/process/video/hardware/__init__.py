"""Films on a GPU: what its driver can do, and which way is tried first."""
