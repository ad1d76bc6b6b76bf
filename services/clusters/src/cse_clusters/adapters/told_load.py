"""Operations that tell how much of vCD and vCenters they use."""

from dataclasses import replace

import structlog

from cse_core.operations import Json, OperationContext, OperationKind
from cse_vcd import load
from cse_vcd.load import Server

log = structlog.get_logger()


def telling_load(kind: OperationKind) -> OperationKind:
    """The kind, whose every run says in the log how many requests it has sent.

    Polls for several operations count for one of them; what reports the end to vCD is not counted.
    """

    def run(ctx: OperationContext) -> Json:
        with load.counted() as sent:
            try:
                return kind.run(ctx)
            finally:
                log.info("operation_load", kind=kind.name, **{server.value: sent.sent_to(server) for server in Server})

    return replace(kind, run=run)
