"""Stage 1: fetches a job's source into its directory and finds out what kind of media it is."""
