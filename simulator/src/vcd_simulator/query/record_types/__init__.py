"""What records say: one module per subject, each with its `TYPES`. `query.catalogue` has them all, by name."""
