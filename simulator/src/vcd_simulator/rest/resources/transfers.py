"""Where clients send the files of an upload. The addresses are secret, and whoever knows one may write there."""

import re

from vcd_simulator import errors
from vcd_simulator.errors import VcdError
from vcd_simulator.model.transfer import DESCRIPTOR, TransferFile
from vcd_simulator.operations import uploads
from vcd_simulator.rest import ovf
from vcd_simulator.rest.context import Context, Reply
from vcd_simulator.rest.routing import Router

router = Router()
_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})")


@router.put("/transfer/{transfer_id}/{file_name}", public=True)
def upload(context: Context, transfer_id: str, file_name: str) -> Reply:
    """Take a file, or the part of it that `Content-Range` names; parts may come in any order, and again."""
    transfer = uploads.transfer_by_id(context.cloud, transfer_id)
    wanted = uploads.file_wanted(transfer, file_name)
    if file_name == DESCRIPTOR:
        try:
            package = ovf.parse_descriptor(context.body)
        except ovf.OvfError as exc:
            uploads.reject_descriptor(context.cloud, transfer, str(exc))
        else:
            uploads.describe(context.cloud, transfer, len(context.body), package)
        return Reply()
    start = _start(context, wanted)
    uploads.receive(context.cloud, transfer, wanted, start, len(context.body))
    return Reply()


def _start(context: Context, wanted: TransferFile) -> int:
    """Where in the file the body belongs.

    Raises:
        VcdError: 400 or 416, the sizes do not fit together or to what the descriptor says.
    """
    header = context.headers.get("content-range")
    if header is None:
        first, total = 0, len(context.body)
    else:
        found = _RANGE.fullmatch(header.strip())
        if found is None:
            raise errors.bad_request("The Content-Range is not of the form bytes first-last/total.")
        first, last, total = (int(one) for one in found.groups())
        if last < first or last >= total:
            raise VcdError(416, "REQUESTED_RANGE_NOT_SATISFIABLE", f"The range {first}-{last}/{total} is impossible.")
        if last - first + 1 != len(context.body):
            raise errors.bad_request(
                f"The Content-Range names {last - first + 1} bytes, the request has {len(context.body)}."
            )
    if wanted.size is None:
        wanted.size = total
    if total != wanted.size:
        raise errors.bad_request(f"The file {wanted.name} has {wanted.size} bytes, not {total}.")
    return first
