"""`millrace settings`: every environment variable that Millrace reads."""


def settings() -> None:
    """Print the table of all settings as Markdown."""
    from millrace.reference import settings_page

    print(settings_page(), end="")
