"""The diagram is the table, and a file's copy is kept true."""

import pytest
from django.core.management import CommandError, call_command

from returns.management.commands.draw_states import diagram
from returns.states import TRANSITIONS


def test_diagram_has_every_arrow_of_the_table():
    for row in TRANSITIONS:
        for source in row.sources:
            for target in row.targets:
                (line,) = [
                    found
                    for found in diagram().splitlines()
                    if found.startswith(f"    {source} --> {target}: ")
                ]
                assert row.verb in line.partition(": ")[2].split(", ")


def test_command_prints_the_diagram(capsys):
    call_command("draw_states")
    assert diagram() in capsys.readouterr().out


def test_check_passes_only_on_the_same_diagram(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"# States\n```mermaid\n{diagram()}\n```\n")
    call_command("draw_states", "--check", str(page))
    page.write_text(page.read_text().replace("withdraw", "cancel"))
    with pytest.raises(CommandError):
        call_command("draw_states", "--check", str(page))


def test_readme_shows_the_states_as_they_are(settings):
    call_command("draw_states", "--check", str(settings.BASE_DIR / "README.md"))
