"""Orders: the facts as Amazon gave them."""

from django.apps import AppConfig


class OrdersConfig(AppConfig):
    """Facts: sellers, marketplaces, buyers, orders, Amazon's returns, and how they come in."""

    name = "orders"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self):
        """Register the room's permissions, promises and report types."""
        from config.core import reference
        from orders import permissions  # noqa: F401 registers on import
        from orders.imports import install
        from orders.marketplaces import load

        reference.register(load)
        install()
