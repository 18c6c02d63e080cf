"""`python -m services.download`: the download service, until SIGTERM."""

from millrace.serving import serve

if __name__ == "__main__":
    serve("download")
