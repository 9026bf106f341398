"""Invoicing: papers and money."""

from django.apps import AppConfig


class InvoicingConfig(AppConfig):
    """Documents, refunds, settlements and what ties them."""

    name = "invoicing"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self):
        """Register the room's permissions, promises, report types and jobs."""
        from config.core import reference
        from invoicing import (  # noqa: F401 register on import
            approval_invariants,
            code_money,
            imports,
            invariants,
            keeping_invariants,
            permissions,
            rates,
            refund_row,
            retention,
            shown,
            words,
        )
        from invoicing.ledger import invariants as ledger_invariants  # noqa: F401
        from invoicing.ledger import posting
        from invoicing.matches import invariants as match_invariants  # noqa: F401
        from invoicing.matches import refresh
        from invoicing.reports import every_kind  # noqa: F401
        from invoicing.sending import accepted
        from invoicing.sending import invariants as sending_invariants  # noqa: F401

        reference.register(rates.load)
        reference.register(retention.load_rules)

        refund_row.followers.append(posting.post)
        refund_row.followers.append(refresh.follow)
        refund_row.of_money |= {posting.post, refresh.follow}
        refund_row.objectors.append(accepted.object_to_accepted)
        refund_row.objectors.append(shown.object_to_untied)
        imports.register()
        code_money.register()
        words.register()
