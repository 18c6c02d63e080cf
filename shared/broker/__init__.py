"""How messages travel: one protocol, RabbitMQ for service, memory for embedding and tests."""
