"""How a service shows what it does: logs, metrics, health."""
