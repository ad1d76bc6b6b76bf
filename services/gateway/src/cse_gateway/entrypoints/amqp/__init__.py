"""vCD's API extensions over AMQP 0-9-1: messages, topology, one connection, and the loop that keeps it."""
