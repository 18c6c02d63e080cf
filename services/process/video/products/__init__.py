"""What can be made of a film in a passage of ffmpeg: one file for each kind."""
