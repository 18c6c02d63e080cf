"""Millrace: photos and films in, what a product needs out, nothing left behind."""

__version__ = "0.1.0"
