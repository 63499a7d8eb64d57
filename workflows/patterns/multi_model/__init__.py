"""Several models on the same question."""
