"""API extensions: services registered by an administrator, answering HTTP requests over AMQP."""
