"""The REST interface of CSE: one table of routes, and each route's translation to gRPC and back."""
