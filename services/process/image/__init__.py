"""Pictures: decoding, resizing and encoding photos."""
