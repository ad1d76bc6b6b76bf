"""Operation engines of every make, for tests that all of them must pass."""
