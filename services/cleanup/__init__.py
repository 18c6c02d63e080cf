"""The cleanup stage: the one way out of the pipeline, and the way that deletes the files."""
