"""The house's wiring: settings, addresses, queues, servers. Django loads the Celery app here."""

from config.celery import app as celery_app

__all__ = ["celery_app"]
