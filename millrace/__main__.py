"""`python -m millrace`: the command `millrace`."""

from millrace.cli import main

if __name__ == "__main__":
    main()
