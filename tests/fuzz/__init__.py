"""Messages as nobody would write them: from the schemas, bent, or bytes alone."""
