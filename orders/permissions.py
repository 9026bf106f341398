"""Who may do what with the facts."""

from config.core import roles
from config.core.roles import ADMIN, AGENT, AUDITOR, EVERYONE, FINANCE, LEAD

_VIEWS = (
    "seller",
    "sellertaxregistration",
    "marketplace",
    "buyer",
    "buyertaxid",
    "buyeraddress",
    "product",
    "order",
    "orderline",
    "orderitemcode",
    "shipment",
    "amazonreturn",
    "importfile",
    "importproblem",
)
_EDITS = ("seller", "sellertaxregistration", "marketplace", "product")

roles.register({f"orders.view_{name}": EVERYONE for name in _VIEWS})
roles.register({f"orders.change_{name}": (ADMIN,) for name in _EDITS})
roles.register({f"orders.add_{name}": (ADMIN,) for name in _EDITS})
roles.register(
    {
        "orders.change_buyer": (AGENT, LEAD, FINANCE, ADMIN),
        "orders.add_buyer": (AGENT, LEAD, FINANCE, ADMIN),
        "orders.add_buyertaxid": (AGENT, LEAD, FINANCE, ADMIN),
        "orders.change_buyertaxid": (AGENT, LEAD, FINANCE, ADMIN),
        "orders.add_buyeraddress": (AGENT, LEAD, FINANCE, ADMIN),
        "orders.change_buyeraddress": (AGENT, LEAD, FINANCE, ADMIN),
        "orders.view_importrow": (LEAD, FINANCE, AUDITOR, ADMIN),
        "orders.view_quota": (FINANCE, AUDITOR, ADMIN),
        "orders.import_report": (LEAD, FINANCE, ADMIN),
        "orders.confirm_identity": (LEAD, FINANCE, ADMIN),
    }
)
