"""Registers the kinds of reports of this room, in the order they are offered."""

from invoicing.reports import settlement  # noqa: F401, I001 the order of the list
from invoicing.reports import journal  # noqa: F401
from invoicing.reports import datev  # noqa: F401
from invoicing.reports import vat  # noqa: F401
