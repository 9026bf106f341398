"""Which of the two database roles does what: the owner migrates, the app reads and writes."""

from typing import Any


class Roles:
    """Both aliases are one database; only the owner's may change its schema."""

    def db_for_read(self, model: type, **hints: Any) -> str:
        """Everything the app reads, it reads in its own role."""
        return "default"

    def db_for_write(self, model: type, **hints: Any) -> str:
        """Everything the app writes, it writes in its own role."""
        return "default"

    def allow_relation(self, one: Any, other: Any, **hints: Any) -> bool:
        """Rows read in either role are rows of the same database."""
        return True

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        """Schema changes and the seeding after them run in the owner's role."""
        return db == "owner"
