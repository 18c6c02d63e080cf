"""The arithmetic on pixels: Pillow's own, in whose place others can be that give the same."""

from typing import Protocol

from PIL import Image, ImageFilter

from services.process.image.geometry import Size

Box = tuple[float, float, float, float]


class Raster(Protocol):
    """Who decodes, resizes and blurs for the engine on Pillow."""

    def decoded(self, image: Image.Image) -> Image.Image | None:
        """All pixels of an image of which only the header is read; None if Pillow has to."""
        ...

    def resized(self, image: Image.Image, size: Size, box: Box) -> Image.Image:
        """The box of `image` at another size, by Lanczos' filter."""
        ...

    def blurred(self, image: Image.Image, sigma: float) -> Image.Image:
        """`image` blurred by a Gaussian; what is transparent has no colour."""
        ...


class PillowRaster:
    """Pillow's own."""

    def decoded(self, image: Image.Image) -> Image.Image | None:
        """See `Raster.decoded`."""
        return None

    def resized(self, image: Image.Image, size: Size, box: Box) -> Image.Image:
        """See `Raster.resized`."""
        return image.resize(size, Image.Resampling.LANCZOS, box=box)

    def blurred(self, image: Image.Image, sigma: float) -> Image.Image:
        """See `Raster.blurred`."""
        if image.mode != "RGBA":
            return image.filter(ImageFilter.GaussianBlur(sigma))
        premultiplied = image.convert("RGBa").filter(ImageFilter.GaussianBlur(sigma))
        return premultiplied.convert("RGBA")
