"""Draw the state diagram from the one table of states; with ``--check`` compare a file's copy."""

from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from returns.states import TRANSITIONS, State

HEAD = "stateDiagram-v2"


def diagram() -> str:
    """The states as Mermaid text: one arrow a pair, labelled with its verbs."""
    arrows: dict[tuple[str, str], list[str]] = {}
    for row in TRANSITIONS:
        for source in row.sources:
            for target in row.targets:
                arrows.setdefault((source, target), []).append(row.verb)
    lines = [HEAD, f"    [*] --> {State.REQUESTED.value}: request"]
    order = [(source, target) for source in State for target in State]
    lines += [
        f"    {source.value} --> {target.value}: {', '.join(arrows[source, target])}"
        for source, target in order
        if (source, target) in arrows
    ]
    lines.append(f"    {State.CLOSED.value} --> [*]")
    return "\n".join(lines)


class Command(BaseCommand):
    help = "Print the state diagram of an RMA; --check FILE exits 1 when the file's copy differs."

    def add_arguments(self, parser):
        """Take ``--check FILE``."""
        parser.add_argument("--check", metavar="FILE", help="a file that must hold the diagram")

    def handle(self, *args, **options):
        """Print, or compare."""
        if not options["check"]:
            self.stdout.write(f"```mermaid\n{diagram()}\n```")
            return
        if f"```mermaid\n{diagram()}\n```" not in Path(options["check"]).read_text():
            raise CommandError(
                f"{options['check']} does not show the states as they are. Put the output of "
                "`manage.py draw_states` into it."
            )
        self.stdout.write("The diagram is current.")
