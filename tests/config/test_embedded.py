"""The servers that start by themselves: shared, left as found, never in anybody's way."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.embedded
CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.fixture
def place(tmp_path):
    """A run folder of its own; whatever still runs there is stopped and removed afterwards."""
    yield tmp_path / "run"
    forget(tmp_path / "run")


def forget(run: Path) -> None:
    call(run, "stop")
    call(run, "reset")


def environment(run: Path) -> dict[str, str]:
    known = {k: v for k, v in os.environ.items() if k in {"PATH", "HOME", "LANG"}}
    return known | {"RETOUR_RUN_DIR": str(run)}


def call(run: Path, verb: str) -> subprocess.CompletedProcess:
    return python(run, "-m", "config.embedded", verb)


def python(run: Path, *arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=CHECKOUT,
        env=environment(run),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def pids(run: Path) -> dict[str, int]:
    lines = call(run, "status").stdout.splitlines()
    running = [line.split() for line in lines if "running" in line]
    return {name.rstrip(":"): int(pid.strip("()")) for name, _, pid in running}


USE = """
import sys, time, psycopg
from config import embedded
with embedded.postgres():
    at = embedded.connection("retour_app")
    with psycopg.connect(host=at["HOST"], user=at["USER"], dbname=at["NAME"]) as db:
        print(db.execute("select current_user").fetchone()[0], flush=True)
    time.sleep(float(sys.argv[1]))
"""


def user(run: Path, seconds: float) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", USE, str(seconds)],
        cwd=CHECKOUT,
        env=environment(run),
        stdout=subprocess.PIPE,
        text=True,
    )


def test_started_by_hand_stays_until_stopped(place):
    assert call(place, "start").returncode == 0
    first = pids(place)
    assert set(first) == {"PostgreSQL", "Valkey"}
    assert python(place, "-c", USE, "0").stdout == "retour_app\n"
    assert pids(place) == first
    assert call(place, "stop").returncode == 0
    assert pids(place) == {}


def test_started_by_use_stops_with_the_last_user(place):
    users = [user(place, seconds) for seconds in (0, 0, 1)]
    assert {one.communicate(timeout=60)[0] for one in users} == {"retour_app\n"}
    assert [one.returncode for one in users] == [0, 0, 0]
    assert pids(place) == {}


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    "after", [*(pytest.param(early, marks=pytest.mark.soak) for early in (0.1, 0.6)), 0.3, 0.9]
)
def test_command_interrupted_at_any_moment_leaves_nothing(place, sent, after):
    process = subprocess.Popen(
        [sys.executable, "manage.py", "migrate"],
        cwd=CHECKOUT,
        env=environment(place),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    time.sleep(after)
    process.send_signal(sent)
    process.wait(timeout=120)  # how soon is not the promise
    assert pids(place) == {}


def test_killed_user_does_not_keep_the_server(place):
    killed = user(place, 60)
    assert killed.stdout.readline() == "retour_app\n"
    killed.kill()
    killed.communicate()
    assert "PostgreSQL" in pids(place)
    assert python(place, "-c", USE, "0").returncode == 0
    assert pids(place) == {}


def test_killed_server_starts_again_beside_its_pid_file(place):
    call(place, "start")
    for pid in pids(place).values():
        os.kill(pid, signal.SIGKILL)
    until = time.monotonic() + 10
    while pids(place) and time.monotonic() < until:
        time.sleep(0.1)
    assert python(place, "-c", USE, "0").stdout == "retour_app\n"


def test_pid_file_of_somebody_else_is_not_believed(place):
    call(place, "start")
    data = Path(call(place, "status").stdout.rsplit("data: ", 1)[1].strip())
    call(place, "stop")
    owner = data.stat()
    stale = data / "postgres" / "postmaster.pid"
    stale.write_text(f"{os.getpid()}\n{data}/postgres\n")
    os.chown(stale, owner.st_uid, owner.st_gid)
    assert python(place, "-c", USE, "0").stdout == "retour_app\n"


def test_data_of_another_major_version_is_refused_with_the_remedy(place):
    call(place, "start")
    data = Path(call(place, "status").stdout.rsplit("data: ", 1)[1].strip())
    call(place, "stop")
    (data / "postgres" / "PG_VERSION").write_text("17\n")
    refused = python(place, "manage.py", "showmigrations")
    assert refused.returncode == 1
    assert "make reset-demo" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_rewritten_first_migration_is_refused_with_the_remedy(place):
    call(place, "start")
    with_comment = """
import psycopg
from config import embedded
at = embedded.connection("retour_owner")
with psycopg.connect(host=at["HOST"], user=at["USER"], dbname=at["NAME"]) as db:
    db.execute("COMMENT ON DATABASE retour IS 'made by other files'")
"""
    assert python(place, "-c", with_comment).returncode == 0
    refused = python(place, "manage.py", "migrate")
    assert refused.returncode == 1
    assert "make reset-demo" in refused.stderr


def test_no_parent_folder_is_opened(place, tmp_path):
    tmp_path.chmod(0o700)
    before = [folder.stat().st_mode for folder in place.parents]
    call(place, "start")
    assert [folder.stat().st_mode for folder in place.parents] == before


def test_socket_folder_is_closed_and_short(place):
    deep = place / ("d" * 60) / ("e" * 60)
    assert call(deep, "start").returncode == 0
    try:
        at = call(deep, "status").stdout.split("sockets: ", 1)[1].split("\n", 1)[0]
        assert len(at) < 90
        assert Path(at).stat().st_mode & 0o777 == 0o700
    finally:
        forget(deep)
    assert not Path(at).exists()


def test_nothing_listens_on_the_network(place):
    call(place, "start")
    listening = subprocess.run(
        [sys.executable, "-c", LISTENING, *map(str, pids(place).values())],
        capture_output=True,
        text=True,
        check=True,
    )
    assert listening.stdout.strip() == "[]"


# Sockets of a process are links like socket:[inode]; /proc/net/tcp names listening inodes.
LISTENING = """
import os, sys
listening = {line.split()[9] for name in ("tcp", "tcp6")
             for line in open(f"/proc/net/{name}").readlines()[1:] if line.split()[3] == "0A"}
links = [os.readlink(f"/proc/{pid}/fd/{fd}") for pid in sys.argv[1:]
         for fd in os.listdir(f"/proc/{pid}/fd")]
print([link for link in links if link.strip("socket:[]") in listening])
"""

COUNT_ON = """
import sys, psycopg
from config import embedded
with embedded.postgres():
    at = embedded.connection("retour_owner")
    with psycopg.connect(
        host=at["HOST"], user=at["USER"], dbname=at["NAME"], autocommit=True
    ) as db:
        db.execute("create table if not exists counted (n int primary key)")
        (known,) = db.execute("select coalesce(max(n), 0) from counted").fetchone()
        (rows,) = db.execute("select count(*) from counted").fetchone()
        assert rows == known, (rows, known)
        print(known, flush=True)
        while True:
            known += 1
            db.execute("insert into counted values (%s)", [known])
            print(known, flush=True)
"""


@pytest.mark.soak
def test_no_committed_row_is_lost_when_the_server_is_killed(place):
    moments = random.Random(5)
    committed = 0
    for _ in range(20):
        counting = subprocess.Popen(
            [sys.executable, "-c", COUNT_ON],
            cwd=CHECKOUT,
            env=environment(place),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        found = int(counting.stdout.readline())
        assert found >= committed
        time.sleep(moments.uniform(0.05, 0.5))
        os.kill(pids(place)["PostgreSQL"], signal.SIGKILL)
        said = counting.communicate(timeout=60)[0].splitlines()
        committed = int(said[-1]) if said else found
    assert committed > 100
