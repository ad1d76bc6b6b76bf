"""The typed query service: which records there are, which of them a filter wants, and how they are shown."""
