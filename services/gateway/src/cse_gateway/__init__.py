"""The gateway: takes what vCD forwards over AMQP, has the services answer it over gRPC, replies in time."""

__version__ = "0.1.0"
