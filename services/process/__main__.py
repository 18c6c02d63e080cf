"""`python -m services.process`: the process service, until SIGTERM."""

from millrace.serving import serve

if __name__ == "__main__":
    serve("process")
