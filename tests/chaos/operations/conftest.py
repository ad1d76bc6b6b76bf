"""Fixtures of the tests that kill processes."""

from cse_testing.operations.fixtures import field_on

__all__ = ["field_on"]
