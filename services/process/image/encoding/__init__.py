"""How files are encoded, whichever engine does it."""
