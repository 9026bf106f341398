"""Imports: from a report file to facts. ``registry.py`` says how, ``run.py`` does it."""


def install() -> None:
    """Register this room's report types."""
    from orders.imports import orders_report, returns_report

    orders_report.install()
    returns_report.install()
