"""The engine on Pillow: the reference that the others are held against."""
