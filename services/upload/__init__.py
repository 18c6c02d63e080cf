"""The upload service: from finished files to stored objects."""
