"""Fetching vApps as packages. The addresses of a package's files are secret, and whoever knows one may read it."""

from vcd_simulator import errors
from vcd_simulator.operations import downloads
from vcd_simulator.rest.context import Context, Reply
from vcd_simulator.rest.documents.packages import package_files
from vcd_simulator.rest.resources.vapps import accepted
from vcd_simulator.rest.routing import Router

router = Router()
_RIGHT = "vApp: Download"


@router.post("/api/vApp/vapp-{vapp_id}/action/enableDownload")
def enable(context: Context, vapp_id: str) -> Reply:
    vapp = context.access.vapp_to_change(vapp_id, _RIGHT)
    task = downloads.enable_download(context.cloud, context.session.user, vapp, lambda: package_files(context, vapp))
    return accepted(context, task)


@router.post("/api/vApp/vapp-{vapp_id}/action/disableDownload")
def disable(context: Context, vapp_id: str) -> Reply:
    downloads.disable_download(context.cloud, context.access.vapp_to_change(vapp_id, _RIGHT))
    return Reply(status=204)


@router.get("/transfer/{transfer_id}/{file_name}", public=True)
def fetch(context: Context, transfer_id: str, file_name: str) -> Reply:
    """One file of a package, or under any name that ends in `.ova` all of them in one."""
    download = context.cloud.downloads.get(transfer_id)
    if download is None or not (file_name in download.files or file_name.endswith(".ova")):
        raise errors.not_found(context.path)
    content = download.files[file_name] if file_name in download.files else download.archive()
    kind = "text/xml" if file_name.endswith(".ovf") else "application/octet-stream"
    return Reply(content=content, media_type=kind)
