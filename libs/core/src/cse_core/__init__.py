"""What the services of CSE share. Pure but for `cse_core.grpc`, which is the only part that imports gRPC."""

__version__ = "0.1.0"
