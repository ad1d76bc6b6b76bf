"""The state of the simulated cloud.

Entities, their tables and indexes. No protocol, no decisions about who may do what.
"""
