"""Counters and gauges in Prometheus' format, in a registry of the service's own."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from shared.jobs import Cost, JobEnded, Stage

_SECONDS = (0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 1800, 3600)


class Metrics:
    """What one service counts."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._seconds = Histogram(
            "millrace_stage_seconds",
            "Seconds of one attempt of a stage",
            ["stage"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._cpu = self._counter("stage_cpu_seconds", "CPU seconds of a stage's children")
        self._bytes = Counter(
            "millrace_transferred_bytes",
            "Bytes that came in and went out",
            ["direction"],
            registry=self.registry,
        )
        self._postponed = Counter(
            "millrace_postponed",
            "Deliveries that are tried again later",
            ["stage", "error"],
            registry=self.registry,
        )
        self._rejected = self._counter("rejected_messages", "Messages that were no valid job")
        self._ended = Counter(
            "millrace_jobs_ended", "Ended jobs", ["outcome"], registry=self.registry
        )
        self._gauges: dict[str, Gauge] = {}

    def _counter(self, name: str, text: str) -> Counter:
        return Counter(f"millrace_{name}", text, ["stage"], registry=self.registry)

    def worked(self, stage: Stage, cost: Cost) -> None:
        """A stage ended an attempt with a result."""
        self._seconds.labels(stage).observe(cost.seconds)
        if cost.cpu_seconds:
            self._cpu.labels(stage).inc(cost.cpu_seconds)
        if cost.downloaded_bytes:
            self._bytes.labels("in").inc(cost.downloaded_bytes)
        if cost.uploaded_bytes:
            self._bytes.labels("out").inc(cost.uploaded_bytes)

    def postponed(self, stage: Stage, error: Exception) -> None:
        """A delivery went to a wait queue."""
        self._postponed.labels(stage, type(error).__name__).inc()

    def rejected(self, stage: Stage) -> None:
        """A message was parked because it is no valid job."""
        self._rejected.labels(stage).inc()

    def ended(self, end: JobEnded) -> None:
        """A job reached its outcome."""
        self._ended.labels(end.outcome).inc()

    def gauge(self, name: str, text: str, value: float) -> None:
        """Show `value` under `millrace_<name>`."""
        if name not in self._gauges:
            self._gauges[name] = Gauge(f"millrace_{name}", text, registry=self.registry)
        self._gauges[name].set(value)

    def exposition(self) -> bytes:
        """All of it, as Prometheus reads it."""
        return generate_latest(self.registry)
