"""`low-quality`: a tiny placeholder to show while the real picture loads."""

from services.process.image.engine import Target
from services.process.image.operations.picture import Picture

MAX_BYTES = 2048


class LowQuality(Picture):
    """A WebP within 32×32 pixels, never over 2 KB: small enough to stand in a page itself."""

    def wishes(self) -> tuple[Target, ...]:
        """One file."""
        return (Target(name=self.name, width=32, height=32, quality=30, max_bytes=MAX_BYTES),)
