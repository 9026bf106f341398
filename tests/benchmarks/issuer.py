"""A warm worker of its own: `python -m tests.benchmarks.issuer DATABASE`.

Says "ready" once its rules are compiled; then, for every line it reads, issues what is due until
nothing is left and answers with the documents it issued, its memory and its peak, in MiB.
"""

import os
import sys
from pathlib import Path


def main(name: str) -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    import django

    django.setup()
    from invoicing import documents, gate
    from tests import database

    database.use(name)
    gate.warm()
    print("ready", flush=True)
    for _ in sys.stdin:
        issued = documents.finish_documents(limit=1000)
        print(issued, *memory(), flush=True)


def memory() -> tuple[int, int]:
    """Resident memory of this process now, and its highest, in MiB."""
    rows = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return tuple(int(rows[name].split()[0]) // 1024 for name in ("VmRSS", "VmHWM"))


if __name__ == "__main__":
    main(sys.argv[1])
