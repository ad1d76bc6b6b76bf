"""The templates service: what clusters are made from, and the scripts that run in their guests."""

__version__ = "0.1.0"
