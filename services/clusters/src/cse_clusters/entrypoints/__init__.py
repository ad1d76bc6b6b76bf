"""gRPC in: translates, calls one use case, translates back."""
