"""What a source says of itself and is made of, read without decoding its pixels."""
