"""Core's app configuration: roles are synchronised and the trail view is built after migrate."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class CoreConfig(AppConfig):
    """What every room needs and no domain word describes."""

    name = "config.core"
    label = "core"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self):
        """Register core's roles; run the steps that follow a migrate."""
        from config.core import permissions  # noqa: F401 registers on import

        post_migrate.connect(_after_migrate, dispatch_uid="core.after_migrate")


def _after_migrate(sender, using, **kwargs):
    """Once, after the last app: permissions exist by then."""
    from django.apps import apps

    from config.core import reference
    from config.core.models.trail import build_view, guard_truncate

    last = [config for config in apps.get_app_configs() if config.models_module][-1]
    if sender.label == last.label:
        build_view(using)
        guard_truncate(using)
        reference.load(using)
