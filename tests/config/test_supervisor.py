"""`make run` as a person meets it: a sentence when it cannot start, and nothing left behind."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import ExitStack
from pathlib import Path

import pytest

pytestmark = pytest.mark.embedded
CHECKOUT = Path(__file__).resolve().parents[2]


def environment(run: Path, port: int) -> dict[str, str]:
    known = {k: v for k, v in os.environ.items() if k in {"PATH", "HOME", "LANG"}}
    return known | {"RETOUR_RUN_DIR": str(run), "RETOUR_DEMO_RMAS": "0", "PORT": str(port)}


@pytest.fixture
def supervisor():
    """Start the supervisor on a run folder and port; what a failed test leaves is ended."""
    with ExitStack() as started:

        def start(run: Path, port: int) -> subprocess.Popen:
            process = subprocess.Popen(
                [sys.executable, "-m", "config.supervisor"],
                cwd=CHECKOUT,
                env=environment(run, port),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            started.enter_context(process)
            started.callback(process.terminate)
            return process

        yield start


def embedded(run: Path, verb: str) -> str:
    return subprocess.run(
        [sys.executable, "-m", "config.embedded", verb],
        cwd=CHECKOUT,
        env=environment(run, 0),
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def read_until(process: subprocess.Popen, wanted: str) -> str:
    seen = ""
    for line in process.stdout:
        seen += line
        if wanted in line:
            return seen
    pytest.fail(f"ended without saying {wanted!r}:\n{seen}")


def family(pid: int) -> set[int]:
    """All descendants of a process."""
    children = set()
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, task.read_text().split()):
            children |= {child} | family(child)
    return children


def alive(pids: set[int]) -> set[int]:
    """Those that still run; one that only waits to be noticed has ended."""
    states = {pid: Path(f"/proc/{pid}/stat") for pid in pids}
    return {pid for pid, stat in states.items() if stat.exists() and ") Z" not in stat.read_text()}


def gone_within(pids: set[int], seconds: float) -> bool:
    until = time.monotonic() + seconds
    while alive(pids) and time.monotonic() < until:
        time.sleep(0.1)
    return not alive(pids)


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run folder whose database is migrated by the first test and found by the others."""
    folder = tmp_path_factory.mktemp("supervised") / "run"
    yield folder
    embedded(folder, "stop")
    embedded(folder, "reset")


def test_busy_port_is_named_before_anything_starts(supervisor, tmp_path, port):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        process = supervisor(tmp_path / "run", port)
        said, _ = process.communicate(timeout=30)
    assert process.returncode == 1
    assert said == (
        f"Port {port} is in use. Stop what uses it, or choose another: make run PORT={port + 1}\n"
    )
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "sent", [pytest.param(signal.SIGINT, marks=pytest.mark.soak), signal.SIGTERM]
)
def test_one_signal_stops_everything(supervisor, run, port, sent):
    process = supervisor(run, port)
    said = read_until(process, "Ready:")
    assert f"Ready: http://127.0.0.1:{port}" in said
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/login/", timeout=20) as answer:
        assert answer.status == 200
    children = family(process.pid)
    assert len(children) >= 3
    assert embedded(run, "status").count("running") == 2
    process.send_signal(sent)
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert not alive(children)
    assert embedded(run, "status").count("stopped") == 2


def test_second_start_collects_nothing_again(supervisor, run, port):
    collected = run / "static.stamp"
    if not collected.exists():
        start_and_stop(supervisor, run, port)
    before = collected.stat().st_mtime_ns
    said = start_and_stop(supervisor, run, port)
    assert "Making demo data" not in said
    assert collected.stat().st_mtime_ns == before


def start_and_stop(supervisor, run: Path, port: int) -> str:
    process = supervisor(run, port)
    said = read_until(process, "Ready:")
    process.terminate()
    process.communicate(timeout=60)
    return said


def test_dead_worker_is_started_again(supervisor, run, port):
    process = supervisor(run, port)
    read_until(process, "Ready:")
    worker = next(pid for pid in family(process.pid) if "worker" in command(pid))
    os.kill(worker, signal.SIGKILL)
    assert "starting it again" in read_until(process, "worker ended")
    process.terminate()
    process.communicate(timeout=60)
    assert process.returncode == 0


def command(pid: int) -> str:
    words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    return words[-1] if "celery" not in words else words[words.index("--quiet") + 1]


def test_killed_supervisor_takes_its_children_along(supervisor, run, port):
    process = supervisor(run, port)
    read_until(process, "Ready:")
    children = family(process.pid)
    process.kill()
    process.communicate(timeout=10)
    assert gone_within(children, 30)


def test_interrupted_while_preparing_leaves_nothing(supervisor, tmp_path, port):
    process = supervisor(tmp_path / "run", port)
    until = time.monotonic() + 30
    while "running" not in embedded(tmp_path / "run", "status") and time.monotonic() < until:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert embedded(tmp_path / "run", "status").count("stopped") == 2
    embedded(tmp_path / "run", "reset")
