"""Reference data every database needs: loaded after migrate, never overwriting what people set."""

from collections.abc import Callable

from config.core import roles
from config.core.models.user import ensure_system_actor

_loaders: list[Callable[[str], None]] = []


def register(loader: Callable[[str], None]) -> None:
    """Add a room's loader; it is called with the database alias and must be repeatable."""
    _loaders.append(loader)


def load(using: str) -> None:
    """Bring system actor, groups and every room's reference data into the database."""
    ensure_system_actor(using)
    roles.sync_groups(using)
    for loader in _loaders:
        loader(using)
