"""What can be told of a picture as JSON: each reader in its own file, pure where it can be."""
