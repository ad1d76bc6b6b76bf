"""How requests come in (AMQP), and how operators look at the process (gRPC health)."""
