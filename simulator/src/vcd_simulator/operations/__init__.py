"""What the cloud can do: each function checks the state it needs, then changes it or starts a task that will."""
