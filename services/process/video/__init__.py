"""Films: probing, encoding, and taking stills, with ffmpeg."""
