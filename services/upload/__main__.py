"""`python -m services.upload`: the upload service, until SIGTERM."""

from millrace.serving import serve

if __name__ == "__main__":
    serve("upload")
