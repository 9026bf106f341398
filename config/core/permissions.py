"""Core's own table of permissions."""

from config.core import roles
from config.core.roles import ADMIN, AUDITOR, EVERYONE, FINANCE, LEAD

roles.register(
    {
        "core.view_user": EVERYONE,
        "core.add_user": (ADMIN,),
        "core.change_user": (ADMIN,),
        "core.hand_over": (ADMIN, LEAD),
        "core.view_job": EVERYONE,
        "core.view_counter": (AUDITOR, ADMIN),
        "core.view_trailevent": (LEAD, FINANCE, AUDITOR, ADMIN),
    }
)
