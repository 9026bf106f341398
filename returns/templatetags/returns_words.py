"""``{% load returns_words %}``: the same word filters as in the compiled row templates."""

from django import template

from returns.words import FILTERS

register = template.Library()
for _name, _filter in FILTERS.items():
    register.filter(_name, _filter)
