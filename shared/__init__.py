"""What at least two of the services need: jobs, files, delivery, storage, observation."""
