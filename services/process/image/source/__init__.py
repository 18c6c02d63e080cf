"""What a source says of itself, read without decoding its pixels."""
