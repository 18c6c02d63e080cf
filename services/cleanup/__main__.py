"""`python -m services.cleanup`: the cleanup service, until SIGTERM."""

from millrace.serving import serve

if __name__ == "__main__":
    serve("cleanup")
