"""Orders: the facts as Amazon gave them."""

from django.apps import AppConfig


class OrdersConfig(AppConfig):
    """Facts: sellers, marketplaces, buyers, orders, Amazon's returns, and how they come in."""

    name = "orders"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self):
        """Register the room's permissions, promises and report types."""
        from config.core import jobs, reference
        from orders import (  # noqa: F401 permissions and invariants register on import
            imports,
            invariants,
            marketplaces,
            permissions,
            tasks,
            words,
        )

        reference.register(marketplaces.load)
        imports.install()
        words.install()
        jobs.register("import", tasks.run_import, queue="imports")
