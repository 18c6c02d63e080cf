"""What goes wrong with the tests' servers."""


class ServerUnavailable(Exception):
    """A server that the tests need cannot be had; the message says what to do."""
