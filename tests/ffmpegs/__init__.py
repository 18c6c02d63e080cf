"""The tests of films with other versions of ffmpeg than the one at hand."""
