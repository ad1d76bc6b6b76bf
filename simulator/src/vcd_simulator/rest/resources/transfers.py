"""Where clients send the files of an upload. The addresses are secret, and whoever knows one may write there."""

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

from starlette.concurrency import run_in_threadpool

from vcd_simulator import errors
from vcd_simulator.errors import VcdError
from vcd_simulator.model.cloud import Cloud
from vcd_simulator.model.transfer import DESCRIPTOR, MANIFEST, Transfer, TransferFile
from vcd_simulator.operations import uploads
from vcd_simulator.rest import manifest, ovf
from vcd_simulator.rest.context import Context, Reply
from vcd_simulator.rest.resources import ui_plugins
from vcd_simulator.rest.routing import Router

router = Router()
_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})")
_LARGEST_TEXT = {DESCRIPTOR: ovf.MAX_BYTES, MANIFEST: manifest.MAX_BYTES}
_LARGEST_FILE = 1 << 40
Take = Callable[[Cloud, Transfer], None]
"""What a file that has come does to the upload."""


@router.put("/transfer/{transfer_id}/{file_name}", public=True, streams=True)
async def upload(context: Context, transfer_id: str, file_name: str) -> Reply:
    """Take a file, or the part of it that `Content-Range` names; parts may come in any order, and again."""
    cloud = context.cloud
    with cloud.lock:
        plugin = ui_plugins.expecting(cloud, transfer_id, file_name)
    if plugin is not None:
        return await ui_plugins.receive(context, plugin)
    try:
        with cloud.lock:
            transfer = uploads.transfer_by_id(cloud, transfer_id)
            wanted = uploads.file_wanted(transfer, file_name)
            start, length, total = _range(context, wanted)
        received = await _store(context, transfer, wanted, start, length)
    except VcdError:
        # Who is cut off amid sending may never see why.
        async for _chunk in context.pieces():
            continue
        raise
    if wanted.name in _LARGEST_TEXT:
        take = await run_in_threadpool(_read, cloud.upload_files.path(transfer.id, wanted.name), wanted.name)
    else:
        take = partial(_take_part, wanted=wanted, start=start, length=received, total=total)
    with cloud.lock:
        uploads.check_under_way(cloud, transfer)
        take(cloud, transfer)
        needs_check = transfer.complete and not transfer.ready
        cloud.tasks.run_due()
    if needs_check:
        await _verify(cloud, transfer)
    return Reply()


async def _store(context: Context, transfer: Transfer, wanted: TransferFile, start: int, length: int | None) -> int:
    """Write the body where it belongs; returns how many bytes there were.

    Raises:
        VcdError: 400 or 413, there are more than there may be, or fewer than were announced.
    """
    path = context.cloud.upload_files.path(transfer.id, wanted.name)
    limit = _LARGEST_TEXT.get(wanted.name, _LARGEST_FILE if wanted.size is None else wanted.size - start)
    received = 0
    with path.open("r+b") as file:
        file.seek(start)
        async for chunk in context.pieces():
            received += len(chunk)
            if received > limit and wanted.size is not None:
                raise _wrong_size(wanted, start + received)
            if received > limit:
                raise VcdError(413, "REQUEST_ENTITY_TOO_LARGE", f"{wanted.name} is larger than {limit} bytes.")
            await run_in_threadpool(file.write, chunk)
        if wanted.name in _LARGEST_TEXT:
            file.truncate(received)
    if length is not None and length != received:
        raise errors.bad_request(f"The Content-Range names {length} bytes, the request has {received}.")
    return received


def _read(path: Path, name: str) -> Take:
    """Read a descriptor or a manifest. One that is wrong fails the upload's task, which tells why."""
    body = path.read_bytes()
    try:
        if name == DESCRIPTOR:
            return partial(uploads.describe, size=len(body), package=ovf.parse_descriptor(body))
        return partial(uploads.take_manifest, size=len(body), digests=manifest.parse_manifest(body))
    except ovf.OvfError as exc:
        return partial(uploads.reject, why=f"Validation failed for the OVF file you provided: {exc}.")
    except manifest.ManifestError as exc:
        return partial(uploads.reject, why=f"Validation failed for the manifest you provided: {exc}.")


def _take_part(
    cloud: Cloud, transfer: Transfer, *, wanted: TransferFile, start: int, length: int, total: int | None
) -> None:
    _check_size(wanted, length if total is None else total)
    uploads.receive(cloud, transfer, wanted, start, length)


async def _verify(cloud: Cloud, transfer: Transfer) -> None:
    """Compare the files with the manifest, which takes its time, and let the upload go on or fail."""
    store = cloud.upload_files
    wrong = await run_in_threadpool(store.mismatch, transfer.id, transfer.digests)
    with cloud.lock:
        uploads.check_under_way(cloud, transfer)
        uploads.note_verified(cloud, transfer, wrong)
        cloud.tasks.run_due()


def _range(context: Context, wanted: TransferFile) -> tuple[int, int | None, int | None]:
    """Where in the file the body begins, how long it and the file are; None where the request does not say.

    Raises:
        VcdError: 400 or 416, the numbers do not fit together or to what the descriptor says.
    """
    header = context.headers.get("content-range")
    if header is None or wanted.name in _LARGEST_TEXT:
        return 0, None, None
    found = _RANGE.fullmatch(header.strip())
    if found is None:
        raise errors.bad_request("The Content-Range is not of the form bytes first-last/total.")
    first, last, total = (int(one) for one in found.groups())
    if last < first or last >= total:
        raise VcdError(416, "REQUESTED_RANGE_NOT_SATISFIABLE", f"The range {first}-{last}/{total} is impossible.")
    if wanted.size not in (None, total):
        raise _wrong_size(wanted, total)
    return first, last - first + 1, total


def _check_size(wanted: TransferFile, total: int) -> None:
    if wanted.size is None:
        wanted.size = total
    if wanted.size != total:
        raise _wrong_size(wanted, total)


def _wrong_size(wanted: TransferFile, total: int) -> VcdError:
    return errors.bad_request(f"The file {wanted.name} has {wanted.size} bytes, not {total}.")
