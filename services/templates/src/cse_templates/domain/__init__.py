"""Templates and their scripts: plain values and rules, no I/O."""
