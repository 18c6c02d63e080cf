"""The program: finding it, what it is told, running it, what it says."""
