"""`radiant serve`: the always-on service that runs the nodes of every graph on a cluster."""

import asyncio
from importlib import import_module

import click


@click.command()
@click.option("--port", default=8000, show_default=True, help="Where Flyte calls the service (gRPC, with health).")
@click.option("--metrics-port", default=9090, show_default=True, help="Where Prometheus reads metrics; 0 for none.")
def serve(port: int, metrics_port: int) -> None:
    """Run the nodes of graphs on a cluster, until told to end."""
    from utils.db import ensure_database
    from utils.service import Ports
    from utils.service import serve as serve_until_told
    from utils.warm import code_digest

    ensure_database()
    _warm_up()
    click.echo(f"radiant serves code {code_digest()} on port {port}", err=True)
    asyncio.run(serve_until_told(Ports(port, metrics_port)))


def _warm_up() -> None:
    """Imports what the first calls would wait for: LiteLLM takes seconds, and so does Presidio."""
    from utils.llm import warm_up
    from utils.phi import contains_personal

    for module in MODULES:
        import_module(module)
    warm_up()
    contains_personal("warm up")


MODULES = ("workflows.catalogue", "workflows.think_tank", "workflows.asking", "tasks.deliver")
