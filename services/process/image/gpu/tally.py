"""What is counted about the GPU, for Prometheus."""

from prometheus_client import Counter, Gauge
from prometheus_client.registry import Collector

from services.process.image.gpu.line import Use


class Tally:
    """Counters that the service's own registry takes in."""

    def __init__(self) -> None:
        self._pictures = Counter(
            "millrace_gpu_pictures",
            "Pictures by what became of the GPU's part: done, failed, or resting",
            ["outcome"],
            registry=None,
        )
        self._frames = Counter(
            "millrace_gpu_frames", "Resizes, blurs and decodings by the GPU", registry=None
        )
        self._batches = Counter(
            "millrace_gpu_batches", "Batches that these frames were made in", registry=None
        )
        self._rests = Counter(
            "millrace_gpu_rests", "Times that the GPU was left alone for a while", registry=None
        )
        self._resting = Gauge(
            "millrace_gpu_resting", "1 while the GPU is left alone", registry=None
        )
        for outcome in ("done", "failed", "resting"):
            self._pictures.labels(outcome)

    @property
    def collectors(self) -> tuple[Collector, ...]:
        """All of them."""
        return (self._pictures, self._frames, self._batches, self._rests, self._resting)

    def used(self, use: Use) -> None:
        """A picture was made; one that needed no GPU does not count."""
        self._frames.inc(use.frames)
        self._batches.inc(use.batches)
        if use.fault is not None:
            self._pictures.labels("failed").inc()
        elif use.frames:
            self._pictures.labels("done").inc()

    def passed_over(self) -> None:
        """A picture was made while the GPU rested."""
        self._pictures.labels("resting").inc()

    def resting(self, *, begins: bool) -> None:
        """A rest begins or ends."""
        self._resting.set(begins)
        if begins:
            self._rests.inc()
