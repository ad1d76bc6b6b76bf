"""What the gateway knows of HTTP and of the old clients, without any transport."""
