#!/usr/bin/env python
"""Every command of the desk. With no DATABASE_URL the embedded PostgreSQL runs meanwhile."""

import os
import signal
import sys

WITHOUT_DATABASE = {"collectstatic", "compilemessages", "help", "makemessages", "version"}


def main() -> None:
    """Run one Django command, with the embedded server around it where no URL is given."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from django.core.management import execute_from_command_line

    if os.environ.get("DATABASE_URL") or not WITHOUT_DATABASE.isdisjoint(sys.argv[1:2] or ["help"]):
        execute_from_command_line(sys.argv)
        return
    from config import embedded
    from config.sharing import Unusable

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        with embedded.postgres():
            execute_from_command_line(sys.argv)
    except Unusable as unusable:
        sys.exit(f"{unusable}")


if __name__ == "__main__":
    main()
