"""Returns: the process, and the pages that join the rooms."""

from django.apps import AppConfig


class ReturnsConfig(AppConfig):
    """RMAs, policy, the refund calculation, the workflow verbs and the pages people live in."""

    name = "returns"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self):
        """Register the room's permissions, promises and jobs."""
        from invoicing import refunds
        from invoicing.imports import compare_after
        from invoicing.matches import refresh
        from orders import decisions
        from orders.imports import registry
        from returns import (
            cost_report,  # noqa: F401 registers on import
            following,
            intake,
            invariants,
            matching,
            permissions,  # noqa: F401 registers on import
            words,
        )

        refunds.followers.append(following.follow)
        refunds.lockers.append(following.lock_cases)
        refunds.objectors.append(following.object_to)
        registry.after_import.append(intake.after_import)
        registry.after_import.append(compare_after)  # last: cases came too
        refresh.add_above(matching.MATCH_SIDES)
        decisions.followers.append(intake.after_decision)
        invariants.register()
        words.register()
