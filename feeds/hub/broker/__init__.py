"""The hub's messages over NATS: connection, what the server keeps, the lease of the one that publishes."""
