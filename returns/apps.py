"""Returns: the process, and the pages that join the rooms."""

from django.apps import AppConfig


class ReturnsConfig(AppConfig):
    """RMAs, policy, the refund calculation, the workflow verbs and the pages people live in."""

    name = "returns"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self):
        """Register the room's permissions, promises and jobs."""
        from returns import permissions  # noqa: F401, PLC0415 registers on import
