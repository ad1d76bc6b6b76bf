"""Where templates come from."""
