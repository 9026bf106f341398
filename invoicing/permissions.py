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
    "delivery",
)
_FINANCE_VIEWS = (
    "reportrun",
    "download",
    "issuingmode",
    "approvallimit",
    "numberseries",
    "documentrules",
    "taxfact",
    "vatrate",
    "fxrate",
    "viescheck",
    "retentionrule",
    "legalhold",
    "erasure",
    "wording",
    "feed",
    "bankfile",
    "lanerule",
    "payeraccount",
    "payee",
    "payeeerasure",
    "approval",
    "refundattempt",
    "match",
    "period",
    "journal",
    "journalline",
    "accountnumber",
    "datevclient",
)
_RULES = (
    "issuingmode",
    "approvallimit",
    "numberseries",
    "documentrules",
    "vatrate",
    "retentionrule",
    "wording",
    "lanerule",
    "payeraccount",
    "accountnumber",
    "datevclient",
)

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
        "invoicing.run_report": (FINANCE, AUDITOR, ADMIN),
        "invoicing.assign_money_fact": (FINANCE,),
        "invoicing.resolve_match": (FINANCE,),
        "invoicing.close_period": (FINANCE,),
        "invoicing.reopen_period": (FINANCE,),
        "invoicing.add_fxrate": (FINANCE, ADMIN),
        "invoicing.correct_document": (FINANCE,),
        "invoicing.send_delivery": (AGENT, LEAD, FINANCE),
        "invoicing.hold_document": (FINANCE, ADMIN),
        **{f"invoicing.{verb}_{name}": (ADMIN,) for name in _RULES for verb in ("add", "change")},
    }
)
