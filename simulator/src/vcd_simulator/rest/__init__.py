"""vCloud Director's REST API: routing and negotiation, documents (what is shown) and resources (what can be done)."""
