"""The house itself: imports run one way, the top level is fixed, files stay small to read."""

import ast
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ["returns", "invoicing", "orders", "config.core"]  # each may import those to its right
TOP_LEVEL = {
    "manage.py",
    "requirements.txt",
    "README.md",
    "Makefile",
    "pyproject.toml",
    "config",
    "orders",
    "invoicing",
    "returns",
    "templates",
    "static",
    "tests",
}


def sources(folder: str) -> list[Path]:
    return [
        path
        for path in sorted((ROOT / folder.replace(".", "/")).rglob("*.py"))
        if "migrations" not in path.parts
    ]


def imported_modules(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module)
    return found


def upward_imports(room: str, rooms_above: list[str]) -> list[str]:
    return [
        f"{path.relative_to(ROOT)} imports {module}"
        for path in sources(room)
        for module in sorted(imported_modules(path))
        if any(module == above or module.startswith(above + ".") for above in rooms_above)
    ]


@pytest.mark.parametrize("room", ROOMS)
def test_imports_run_one_way(room):
    assert upward_imports(room, ROOMS[: ROOMS.index(room)]) == []


def test_upward_import_is_seen():
    assert upward_imports("returns", ["orders"]) != []


@pytest.mark.parametrize("name", ["settings.py", "urls.py", "celery.py"])
def test_configuration_names_apps_by_string_only(name):
    modules = imported_modules(ROOT / "config" / name)
    assert not [m for m in modules if m.partition(".")[0] in {"orders", "invoicing", "returns"}]


def test_top_level_is_the_fixed_one():
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    names = {name.partition("/")[0] for name in tracked}
    assert {name for name in names if not name.startswith(".")} <= TOP_LEVEL


def functions(path: Path) -> list[tuple[str, int]]:
    return [
        (f"{path.relative_to(ROOT)}:{node.lineno} {node.name}", node.end_lineno - node.lineno + 1)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


def all_sources() -> list[Path]:
    return [path for folder in ("config", *ROOMS[:3]) for path in sources(folder)]


def test_functions_are_at_most_fifty_lines():
    assert [f for path in all_sources() for f in functions(path) if f[1] > 50] == []


def test_files_are_at_most_four_hundred_lines():
    sizes = {str(p.relative_to(ROOT)): len(p.read_text().splitlines()) for p in all_sources()}
    assert {name: size for name, size in sizes.items() if size > 400} == {}


def test_every_module_opens_with_its_docstring():
    missing = [
        str(path.relative_to(ROOT))
        for path in all_sources()
        if path.read_text().strip() and not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert missing == []
