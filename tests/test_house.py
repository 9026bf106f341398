"""The house itself: imports run one way, the top level is fixed, files stay small to read."""

import ast
import subprocess
from pathlib import Path

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from config.core import roles
from invoicing.states import REFUND_VERBS
from invoicing.views import refund as refund_doors
from returns import words_of_verbs
from returns.states import TRANSITIONS
from returns.views import verbs

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


# --- Names ---------------------------------------------------------------------------------------
NO_SUBJECT = {"utils", "util", "helpers", "helper", "services", "service", "base", "common", "misc"}


def test_no_module_is_named_after_nothing():
    tracked = subprocess.run(
        ["git", "ls-files", "*.py"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    names = {name: {*Path(name).parent.parts, Path(name).stem} for name in tracked}
    assert {name for name, parts in names.items() if parts & NO_SUBJECT} == set()


# Verbs whose door is a page of its own, and verbs that no button does.
OWN_PAGES = {"inspect": "returns:inspect-rma"}
NO_BUTTON = {"confirm"}  # Amazon's settlement confirms a refund
# Verbs of the process that move money ask for the permission of the refund they stand for.
MONEY = {"refund": "invoicing.carry_out_refund", "void_refund": "invoicing.decide_refund"}


@pytest.mark.parametrize("row", TRANSITIONS, ids=lambda row: row.verb)
def test_verb_door_permission_and_word_are_one_name(row):
    if row.verb in OWN_PAGES:
        assert reverse(OWN_PAGES[row.verb], args=["RMA-2026-000001"]).endswith(f"/{row.verb}/")
    else:
        assert row.verb in verbs.DOORS
        url = reverse("returns:verb", args=["RMA-2026-000001", row.verb])
        assert url.endswith(f"/{row.verb}/")
    codename = row.permission.partition(".")[2]
    assert codename.startswith(row.verb) or MONEY[row.verb] == row.permission
    assert row.verb in words_of_verbs._WORDS


@pytest.mark.parametrize("row", REFUND_VERBS, ids=lambda row: row.verb)
def test_verb_of_a_refund_has_its_door(row):
    assert (row.verb in refund_doors.DOORS) != (row.verb in NO_BUTTON)


def called(node: ast.Call) -> str:
    """The last word of what is called."""
    return getattr(node.func, "attr", getattr(node.func, "id", ""))


ASKED_BY = {"require", "may", "has_perm", "permission_required"}


def permissions_asked_for() -> dict[str, str]:
    """Every permission that code names when it asks for one → where."""
    found = {}
    for path in all_sources():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and called(node) in ASKED_BY:
                for part in (one for one in node.args if isinstance(one, ast.Constant)):
                    found[part.value] = f"{path.relative_to(ROOT)}:{node.lineno}"
    return found


def test_permission_that_is_asked_for_is_held_by_a_role():
    held = {one for role in roles.ROLES for one in roles.permissions_of(role)}
    asked = permissions_asked_for() | {row.permission: row.verb for row in TRANSITIONS}
    asked |= {row.permission: row.verb for row in REFUND_VERBS}
    assert len(asked) > 20
    assert {name: where for name, where in asked.items() if name not in held} == {}


@pytest.mark.django_db
def test_permission_of_a_role_exists():
    known = {
        f"{app}.{codename}"
        for app, codename in Permission.objects.values_list("content_type__app_label", "codename")
    }
    held = {one for role in roles.ROLES for one in roles.permissions_of(role)}
    assert held - known == set()


TRANSLATED_BY = {
    "_",
    "_t",
    "say",
    "gettext",
    "gettext_lazy",
    "gettext_noop",
    "ngettext",
    "pgettext",
}


def test_translated_texts_are_whole():
    """A text put together before it is translated is in no catalogue."""
    wrong = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in all_sources()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and getattr(node.func, "id", "") in TRANSLATED_BY
        and any(isinstance(one, ast.JoinedStr | ast.BinOp) for one in node.args)
    ]
    assert wrong == []
