"""Gapless counters: one locked row a series. Never a PostgreSQL sequence, which loses numbers."""

from django.db import connection, models


class Counter(models.Model):
    """The last number given out in a series, such as ``rma:2026``."""

    name = models.CharField(max_length=120, primary_key=True)
    value = models.BigIntegerField(default=0)

    def __str__(self):
        return f"{self.name}: {self.value}"


def next_number(name: str, count: int = 1) -> int:
    """Take ``count`` numbers of a series and return the first of them.

    The row stays locked until the caller's transaction ends; a rollback gives the numbers back,
    which is what keeps the series without a gap.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO core_counter AS c (name, value) VALUES (%s, %s)"
            " ON CONFLICT (name) DO UPDATE SET value = c.value + EXCLUDED.value RETURNING value",
            [name, count],
        )
        return cursor.fetchone()[0] - count + 1
