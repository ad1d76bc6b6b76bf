"""Values that try to get out of their place, every field that a user can put them into, and proofs that none did."""
