"""The state of the simulated cloud: entities, their tables and indexes. No protocol, no decisions about who may do what."""
