"""Real servers for tests and benchmarks, started privately and thrown away after.

Each module can be run by itself: ``python -m tests.servers.rabbitmq`` prints the address and
serves until Ctrl-C.
"""
