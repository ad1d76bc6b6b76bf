"""The control API: the simulator itself, over HTTP below `/simulator`."""
