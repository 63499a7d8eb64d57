"""A simulated model behind the fake server: it fits every schema that it is asked for, the same each time."""

import json
from hashlib import sha256

from tests.fake_openai import Reply, Request
from utils.rehearsal import instance


def simulated(request: Request) -> Reply:
    """A valid instance of the schema that was asked for, else a short text."""
    seed = sha256(json.dumps(request.body["messages"]).encode()).hexdigest()
    wanted = request.body.get("response_format", {}).get("json_schema", {}).get("schema")
    if wanted:
        return Reply(json.dumps(instance(wanted, seed=seed, topic="monoliths")))
    return Reply(f"Keep the monolith until teams block one another. ({seed[:6]})\nFINAL: keep it")
