"""Core's models, one file a noun."""

from config.core.models.counter import Counter
from config.core.models.job import Job
from config.core.models.trail import TrailEvent
from config.core.models.user import User

__all__ = ["Counter", "Job", "TrailEvent", "User"]
