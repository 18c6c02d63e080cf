"""Resizing and blurring on an NVIDIA GPU, by one process that owns the device."""
