"""What the provider has: vCenters, external networks, network pools, provider VDCs."""

from collections.abc import Iterable

from vcd_simulator import errors
from vcd_simulator.model.infrastructure import Host, VimServer
from vcd_simulator.model.kinds import ADMIN, DATASTORE, EXTERNAL_NETWORK, HOST, VIM_SERVER
from vcd_simulator.operations import datacenter, vcenters
from vcd_simulator.rest.context import Context, Reply
from vcd_simulator.rest.documents import vcenters as documents
from vcd_simulator.rest.documents.common import Named, link, reference
from vcd_simulator.rest.parsing import require_root
from vcd_simulator.rest.resources.vapps import accepted
from vcd_simulator.rest.routing import Router
from vcd_simulator.rest.xml import Element, child, flag_of, text_of, vcloud_in_vmext, vmext

router = Router()
_PARTS = (
    ("vimServerReferences", "vmwVimServerReferences"),
    ("externalNetworkReferences", "vmwExternalNetworkReferences"),
    ("networkPoolReferences", "vmwNetworkPoolReferences"),
    ("providerVdcReferences", "vmwProviderVdcReferences"),
    ("datastores", "datastoreList"),
    ("hostReferences", "vmwHostReferences"),
    ("service", "extensionServices"),
    ("settings", "systemSettings"),
)


@router.get("/api/admin/extension")
def get_extension(context: Context) -> Reply:
    """The root of the provider's administration; its href has no trailing slash, because clients append to it."""
    context.access.require_provider("General: Administrator View")
    links = [
        link(context, "down", f"/api/admin/extension/{path}", f"{ADMIN}{media}+xml", build=vcloud_in_vmext)
        for path, media in _PARTS
    ]
    access = context.access
    if access.has("vCenter: Attach / Detach / Modify"):
        path = "/api/admin/extension/action/registervimserver"
        links.append(link(context, "add", path, ADMIN + "registerVimServerParams+xml", build=vcloud_in_vmext))
    if access.has("Provider vDC: Create / Delete"):
        path = "/api/admin/extension/providervdcsparams"
        links.append(link(context, "add", path, ADMIN + "createProviderVdcParams+xml", build=vcloud_in_vmext))
    if access.has("Provider Network: Create / Delete"):
        path = "/api/admin/extension/externalnets"
        links.append(link(context, "add", path, EXTERNAL_NETWORK.media_type, build=vcloud_in_vmext))
    media = ADMIN + "vmwExtension+xml"
    return Reply(content=vmext("VMWExtension", links, href=context.url("/api/admin/extension"), type=media))


def _references(context: Context, root: str, tag: str, path: str, entities: Iterable[Named]) -> Reply:
    context.access.require_provider("General: Administrator View")
    children: list[Element] = [reference(context, tag, entity, build=vmext) for entity in entities]
    media = f"{ADMIN}{root[0].lower()}{root[1:]}+xml".replace("vMW", "vmw")
    return Reply(content=vmext(root, children, href=context.url(f"/api/admin/extension/{path}"), type=media))


@router.get("/api/admin/extension/vimServerReferences")
def list_vim_servers(context: Context) -> Reply:
    servers = context.cloud.vim_servers
    return _references(context, "VMWVimServerReferences", "VimServerReference", "vimServerReferences", servers)


@router.get("/api/admin/extension/externalNetworkReferences")
def list_external_networks(context: Context) -> Reply:
    networks = context.cloud.external_networks
    tag = "ExternalNetworkReference"
    return _references(context, "VMWExternalNetworkReferences", tag, "externalNetworkReferences", networks)


@router.get("/api/admin/extension/networkPoolReferences")
def list_network_pools(context: Context) -> Reply:
    pools = context.cloud.network_pools
    return _references(context, "VMWNetworkPoolReferences", "NetworkPoolReference", "networkPoolReferences", pools)


@router.get("/api/admin/extension/providerVdcReferences")
def list_provider_vdcs(context: Context) -> Reply:
    pvdcs = context.cloud.provider_vdcs
    return _references(context, "VMWProviderVdcReferences", "ProviderVdcReference", "providerVdcReferences", pvdcs)


@router.get("/api/admin/extension/datastores")
def list_datastores(context: Context) -> Reply:
    context.access.require_provider("General: Administrator View")
    references = [
        reference(context, "Reference", one, with_id=True, build=vcloud_in_vmext) for one in context.cloud.datastores
    ]
    media = ADMIN + "datastoreList+xml"
    href = context.url("/api/admin/extension/datastores")
    return Reply(content=vmext("DatastoreReferences", references, href=href, type=media))


@router.get("/api/admin/extension/datastore/{datastore_id}")
def get_datastore(context: Context, datastore_id: str) -> Reply:
    datastore = context.access.provided(DATASTORE, context.cloud.datastores, datastore_id, "vCenter: View")
    return Reply(content=documents.datastore(context, datastore))


@router.get("/api/admin/extension/hostReferences")
def list_hosts(context: Context) -> Reply:
    hosts = context.cloud.hosts
    return _references(context, "VMWHostReferences", "HostReference", "hostReferences", hosts)


@router.get("/api/admin/extension/host/{host_id}")
def get_host(context: Context, host_id: str) -> Reply:
    return Reply(content=documents.host(context, _host(context, host_id, "vCenter: View")))


@router.post("/api/admin/extension/host/{host_id}/action/enable")
def enable_host(context: Context, host_id: str) -> Reply:
    return _switch_host(context, host_id, enabled=True)


@router.post("/api/admin/extension/host/{host_id}/action/disable")
def disable_host(context: Context, host_id: str) -> Reply:
    return _switch_host(context, host_id, enabled=False)


def _switch_host(context: Context, host_id: str, *, enabled: bool) -> Reply:
    host = _host(context, host_id, "vCenter: Attach / Detach / Modify")
    return accepted(context, vcenters.enable_host(context.cloud, context.session.user, host, enabled=enabled))


def _host(context: Context, host_id: str, right: str) -> Host:
    return context.access.provided(HOST, context.cloud.hosts, host_id, right)


@router.get("/api/admin/extension/vimServer/{server_id}")
def get_vim_server(context: Context, server_id: str) -> Reply:
    return Reply(content=documents.vim_server(context, _vim_server(context, server_id, "vCenter: View")))


@router.get("/api/admin/extension/vimServer/{server_id}/resourcePoolList")
def list_resource_pools(context: Context, server_id: str) -> Reply:
    return Reply(content=documents.resource_pools(context, _vim_server(context, server_id, "vCenter: View")))


@router.put("/api/admin/extension/vimServer/{server_id}")
def update_vim_server(context: Context, server_id: str) -> Reply:
    """Enable or disable a vCenter; its machines do not mind."""
    server = _vim_server(context, server_id, "vCenter: Attach / Detach / Modify")
    root = require_root(context.xml(), "VimServer")
    enabled = flag_of(root, "IsEnabled", server.enabled)
    return accepted(context, datacenter.enable_vim_server(context.cloud, context.session.user, server, enabled=enabled))


def _vim_server(context: Context, server_id: str, right: str) -> VimServer:
    return context.access.provided(VIM_SERVER, context.cloud.vim_servers, server_id, right)


@router.get("/api/admin/extension/vimServer/{server_id}/storageProfiles")
def list_storage_profiles(context: Context, server_id: str) -> Reply:
    server = _vim_server(context, server_id, "vCenter: View")
    return Reply(content=documents.storage_profiles_to_add(context, server, context.raw_path, ()))


@router.post("/api/admin/extension/action/registervimserver")
def register_vim_server(context: Context) -> Reply:
    """Attach a vCenter. Its machines are not simulated: it stays unconnected, and has no resource pools."""
    context.access.require_provider("vCenter: Attach / Detach / Modify")
    stated = child(require_root(context.xml(), "RegisterVimServerParams"), "VimServer")
    if stated is None or not text_of(stated, "Username"):
        raise errors.bad_request("Bad request: validation error, a VimServer with a Username is required.")
    server = VimServer(
        id=context.cloud.new_id(),
        name=stated.get("name") or "",
        url=text_of(stated, "Url"),
        username=text_of(stated, "Username"),
        password=text_of(stated, "Password"),
        enabled=flag_of(stated, "IsEnabled", True),
        connected=False,
    )
    vcenters.register_vim_server(context.cloud, context.session.user, server)
    document = vmext("RegisterVimServerParams", documents.vim_server(context, server))
    return Reply(status=200, content=document, media_type=ADMIN + "registerVimServerParams+xml")


@router.post("/api/admin/extension/vimServer/{server_id}/action/unregister")
def unregister_vim_server(context: Context, server_id: str) -> Reply:
    server = _vim_server(context, server_id, "vCenter: Attach / Detach / Modify")
    return accepted(context, vcenters.unregister_vim_server(context.cloud, context.session.user, server))
