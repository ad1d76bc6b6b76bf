"""Loads the fixtures that all tests share."""

pytest_plugins = ["cse_testing.plugin"]
