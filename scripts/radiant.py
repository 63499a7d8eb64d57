"""`radiant`: reviews, runs, costs and what is there, from a terminal. Each command is imported when it is asked for."""

from importlib import import_module
from typing import NoReturn

import click

from utils.display import printable
from utils.errors import RadiantError, unknown


class _Lazy(click.Group):
    """Knows its commands by name and one line of help, so that `--help` imports none of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _ = COMMANDS[cmd_name]
        command: click.Command = getattr(import_module(module), cmd_name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in COMMANDS:
            raise unknown("command", args[0], COMMANDS)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> object:
        """A person's mistake is one line and an exit code."""
        try:
            return super().invoke(ctx)
        except RadiantError as error:
            _exit(ctx, error.message, error.exit_code)
        except click.ClickException as error:
            _exit(ctx, error.format_message(), error.exit_code)


def _exit(ctx: click.Context, message: str, code: int) -> NoReturn:
    """A run that waits for a person (3) went as it should: that is said without `error`."""
    line = " ".join(printable(message).split())
    click.echo(f"{'' if code == 3 else 'error: '}{line}", err=True)
    ctx.exit(code)


COMMANDS = {
    "inbox": ("scripts.inbox", "All that waits for a person."),
    "show": ("scripts.inbox", "What a run asks of a person, or what it concluded."),
    "approve": ("scripts.decisions", "Approve the answer of a run."),
    "reject": ("scripts.decisions", "Reject the answer of a run."),
    "revise": ("scripts.decisions", "Have the models redo the answer, by your guidance."),
    "edit": ("scripts.decisions", "Make your own text the answer."),
    "decide": ("scripts.decisions", "Decide a question that has other choices, or a form."),
    "runs": ("scripts.runs", "The latest runs."),
    "resume": ("scripts.runs", "Go on with a run in this process."),
    "costs": ("scripts.costs", "What model calls cost, and what is left of the budgets."),
    "models": ("scripts.catalogue", "Which models can be called now, and why others cannot."),
    "patterns": ("scripts.patterns", "The patterns: list, search, show, enable and disable them."),
    "domains": ("scripts.catalogue", "The domains, and how long a review waits in each."),
    "export": ("scripts.export", "One run as JSON, and its Deck as HTML."),
    "serve": ("scripts.serve", "Run the nodes of graphs on a cluster, until told to end."),
    "register": ("scripts.register", "Register all workflows and launch plans on a Flyte cluster."),
    "check": ("scripts.check", "Whether this tenant's data is whole."),
}
"""Command -> its module and its help in one line."""


@click.command(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Reviews, runs and costs of RADIANT Think Tank."""
