"""The control API: the simulator itself, over HTTP below `/simulator`."""

TOKEN_HEADER = "x-simulator-token"  # noqa: S105  # a name
TOKEN_VARIABLE = "VCD_SIMULATOR_TOKEN"  # noqa: S105  # a name
