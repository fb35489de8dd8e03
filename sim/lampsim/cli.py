"""`lampsim`: one command, its subcommands loaded only when they are run (a cold start stays under 100 ms)."""

import importlib

import click

COMMANDS = {
    "bench": ("lampsim.bench.command:bench", "Measure the bus: access schemes as models, the real code beside them."),
    "check": ("lampsim.check.command:check", "Look for a broken promise on random streets with every kind of fault."),
    "clocks": ("lampsim.clocks:clocks", "Measure how far the clocks of real posts are from the gateway's."),
    "demo": ("lampsim.demo:demo", "Watch a park and two streets at night: posts, gateway and broker, for real."),
    "finding": ("lampsim.finding:finding", "Find and adopt new boards on a line, in virtual time."),
    "flow": ("lampsim.flow_cli:flow", "Compare the gateway's counts of people with the truth, by density."),
    "lamps": ("lampsim.commands:lamps", "Show what an inventory holds, or the lamps a demo would take of it."),
    "line": ("lampsim.commands:line", "Open a simulated RS-485 line: a serial device for each node."),
    "night": ("lampsim.night.command:night", "The night benchmark: light and energy of policies, ideal and real."),
    "report": ("lampsim.report.command:report", "Compare lighting policies for your own lamps: a page with pictures."),
    "run": ("lampsim.run_cli:run", "Run a town of real posts and gateways in virtual time."),
    "scenario": ("lampsim.scenario_cli:scenario", "Worked examples of nights: list, check, show as a picture."),
}


class LazyGroup(click.Group):
    """Knows its subcommands by name and help; imports one when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, name = COMMANDS[cmd_name][0].split(":")
        return getattr(importlib.import_module(module), name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name][1]) for name in self.list_commands(ctx)])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="lamplighter", prog_name="lampsim")
def main() -> None:
    """Simulated posts, line, people and city for Lamplighter."""


if __name__ == "__main__":
    main()
