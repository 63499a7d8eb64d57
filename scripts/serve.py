"""`radiant serve`: the always-on service that runs the nodes of every graph on a cluster."""

import asyncio
import os
from importlib import import_module
from logging import getLogger

import click


@click.command()
@click.option("--port", default=8000, show_default=True, help="Where Flyte calls the service (gRPC, with health).")
@click.option("--metrics-port", default=9090, show_default=True, help="Where Prometheus reads metrics; 0 for none.")
def serve(port: int, metrics_port: int) -> None:
    """Run the nodes of graphs on a cluster, until told to end."""
    from utils.connector import connector
    from utils.db import ensure_database
    from utils.logs import start_logging
    from utils.service import Ports
    from utils.service import serve as serve_until_told
    from utils.telemetry import start_telemetry

    start_logging()
    start_telemetry()
    ensure_database()
    _warm_up()
    left = asyncio.run(serve_until_told(Ports(port, metrics_port), _tell))
    if left:
        _say(f"ended with {left} calls under way, after RADIANT_DRAIN_SECONDS: Flyte makes them again")
        os._exit(1)  # threads cannot be stopped, and an orderly end waits for them
    connector.close()


def _tell(port: int) -> None:
    from utils.warm import code_digest

    _say(f"radiant serves code {code_digest()} on port {port}")


def _say(line: str) -> None:
    from utils.logs import for_people

    if for_people():
        click.echo(line, err=True)
    else:
        getLogger("radiant.service").info(line)


def _warm_up() -> None:
    """Imports what the first calls would wait for: LiteLLM takes seconds, and so does Presidio."""
    from utils.llm import warm_up
    from utils.phi import contains_personal

    for module in MODULES:
        import_module(module)
    warm_up()
    contains_personal("warm up")


MODULES = ("workflows.catalogue", "workflows.think_tank", "workflows.maintenance", "workflows.turns", "tasks.deliver")
