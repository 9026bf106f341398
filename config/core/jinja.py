"""The compiled template engine that draws list rows and list regions (30 times faster than cells).

Pages, forms and mails stay Django templates; only what repeats by the row is drawn here. Used as
``config.core.jinja.environment`` in settings; templates live under ``templates/jinja/``.
"""

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext, ngettext
from jinja2 import Environment

from config.core import display

FILTERS = {
    "money": display.money,
    "age": display.age,
    "date": display.date,
    "state_badge": display.state_badge,
    "copy_id": display.copy_id,
}


class RowEnvironment(Environment):
    """Jinja where ``row.name`` looks into a dict first: rows are dicts, and an attribute that is
    not there costs more than drawing the cell.
    """

    def getattr(self, obj: Any, attribute: str) -> Any:
        """The value under a dict's key, else what Jinja finds."""
        if obj.__class__ is dict and attribute in obj:
            return obj[attribute]
        return super().getattr(obj, attribute)


def environment(**options) -> Environment:
    """Build the environment: autoescape on, our filters, ``url()`` and gettext as ``_()``."""
    options.setdefault("autoescape", True)
    options.setdefault("trim_blocks", True)
    options.setdefault("lstrip_blocks", True)
    env = RowEnvironment(**options)
    env.filters.update(FILTERS)
    env.globals.update(url=url, icon=display.icon, _=gettext, ngettext=ngettext)
    return env


def url(name: str, *args, **kwargs) -> str:
    """The path of a named page, as ``{% url %}`` in Django templates."""
    return reverse(name, args=args or None, kwargs=kwargs or None)
