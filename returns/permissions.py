"""Who may do what in the process. The codename is the verb on the button."""

from config.core import roles
from config.core.roles import ADMIN, AGENT, EVERYONE, FINANCE, INSPECTOR, LEAD

_VIEWS = (
    "rma",
    "rmaline",
    "parcel",
    "receipt",
    "inspection",
    "evidence",
    "message",
    "workitem",
    "note",
    "policy",
)
roles.register({f"returns.view_{name}": EVERYONE for name in _VIEWS})
roles.register(
    {
        "returns.request_rma": (AGENT, LEAD),
        "returns.approve_rma": (AGENT, LEAD),
        "returns.approve_valuable": (LEAD,),
        "returns.decline_rma": (AGENT, LEAD),
        "returns.withdraw_rma": (AGENT, LEAD),
        "returns.ship_rma": (AGENT, INSPECTOR, LEAD),
        "returns.receive_rma": (INSPECTOR, LEAD),
        "returns.inspect_rma": (INSPECTOR, LEAD),
        "returns.reject_goods": (INSPECTOR, LEAD),
        "returns.replace_rma": (AGENT, LEAD),
        "returns.refund_early": (LEAD,),
        "returns.expire_rma": (LEAD,),
        "returns.extend_rma": (LEAD,),
        "returns.settle_rma": (LEAD, FINANCE),
        "returns.reopen_rma": (LEAD,),
        "returns.set_liability": (AGENT, INSPECTOR, LEAD),
        "returns.assign_rma": (AGENT, LEAD),
        "returns.note_rma": (AGENT, INSPECTOR, LEAD, FINANCE),
        "returns.add_evidence_file": (AGENT, INSPECTOR, LEAD),
        "returns.finish_workitem": (AGENT, INSPECTOR, LEAD, FINANCE),
        "returns.waive_goods": (LEAD,),
        "returns.change_policy": (ADMIN,),
        "returns.add_policy": (ADMIN,),
    }
)
