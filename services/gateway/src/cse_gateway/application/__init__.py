"""From a request to its reply."""
