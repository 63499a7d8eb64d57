"""What a run may cost, for patterns that spend money on a search."""

from uuid import UUID

from tasks.calls import Spot
from tasks.reply import Replies, Slots, reply
from tasks.spec import OUT
from tasks.tools import tool
from utils.errors import BadInput
from utils.runs import get_run


@tool
def explicit_cap(spot: Spot, *, work: Replies) -> Slots:
    """The cap in USD that was given for this run (field `usd`; null in a rehearsal without one, which costs nothing).

    Raises BadInput where there is `work` and nobody has said what it may cost.
    """
    usd = get_run(UUID(spot.run.tenant_id), spot.run.run_id).max_cost_usd
    if work and usd is None and not spot.run.rehearsal:
        raise BadInput("a search may take very many calls: say with --max_cost_usd what it may cost, in USD")
    return {OUT: [reply(str(usd), key="cap", data={"usd": usd})]}
