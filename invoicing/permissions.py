"""Who may do what with papers and money."""

from config.core import roles
from config.core.roles import ADMIN, AGENT, AUDITOR, EVERYONE, FINANCE, LEAD

_VIEWS = (
    "document",
    "documentline",
    "documenttax",
    "artifact",
    "refund",
    "refundline",
    "settlement",
    "moneyfact",
)
_FINANCE_VIEWS = ("settlementrun", "download", "issuingmode", "approvallimit", "numberseries")

roles.register({f"invoicing.view_{name}": EVERYONE for name in _VIEWS})
roles.register(
    {f"invoicing.view_{name}": (LEAD, FINANCE, AUDITOR, ADMIN) for name in _FINANCE_VIEWS}
)
roles.register(
    {
        "invoicing.propose_refund": (AGENT, LEAD, FINANCE),
        "invoicing.approve_refund": (LEAD, FINANCE),
        "invoicing.reject_refund": (LEAD, FINANCE),
        "invoicing.carry_out_refund": (LEAD, FINANCE),
        "invoicing.cancel_refund": (AGENT, LEAD, FINANCE),
        "invoicing.decide_refund": (FINANCE,),
        "invoicing.issue_document": (LEAD, FINANCE),
        "invoicing.record_document": (LEAD, FINANCE),
        "invoicing.export_document": (FINANCE, AUDITOR, ADMIN),
        "invoicing.run_settlement_report": (FINANCE, AUDITOR, ADMIN),
        "invoicing.assign_money_fact": (FINANCE,),
        "invoicing.change_issuingmode": (ADMIN,),
        "invoicing.add_issuingmode": (ADMIN,),
        "invoicing.change_approvallimit": (ADMIN,),
        "invoicing.add_approvallimit": (ADMIN,),
        "invoicing.change_numberseries": (ADMIN,),
        "invoicing.add_numberseries": (ADMIN,),
    }
)
