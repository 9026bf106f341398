"""The web process. Its statements are shorter than a worker's: a page never waits minutes."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ.setdefault("DATABASE_STATEMENT_TIMEOUT", "30s")

application = get_wsgi_application()
