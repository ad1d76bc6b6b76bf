"""Plug-ins of the web interface: `/cloudapi/extensions/ui`. Collections here are lists, not pages."""

import secrets
from collections.abc import Callable
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from vcd_simulator import errors
from vcd_simulator.model.cloud import Cloud
from vcd_simulator.model.tenancy import Org
from vcd_simulator.model.ui_plugins import PluginUpload, UiPlugin
from vcd_simulator.operations.names import check_name
from vcd_simulator.rest.cloudapi import json_reply, read_body, read_list
from vcd_simulator.rest.context import Context, Reply
from vcd_simulator.rest.parsing import id_in
from vcd_simulator.rest.routing import Router

router = Router()
_ROOT = "/cloudapi/extensions/ui"
_PLUGIN = f"{_ROOT}/{{plugin_id}}"
_VIEW = "UI Plugins: View"
_MANAGE = "UI Plugins: Define, Upload, Modify, Delete, Associate or Disassociate"
_TAKEN = "VCD_50012"


class _Named(BaseModel):
    id: str


class _PluginBody(BaseModel):
    """A plug-in as its manifest describes it."""

    model_config = ConfigDict(populate_by_name=True)

    name: str = Field(alias="pluginName")
    vendor: str
    version: str
    description: str = ""
    license: str = ""
    link: str = ""
    tenant_scoped: bool = False
    provider_scoped: bool = False
    enabled: bool = True


class _UploadBody(BaseModel):
    model_config = ConfigDict(populate_by_name=True)

    file_name: str = Field(alias="fileName", pattern=r"^[A-Za-z0-9_.-]{1,128}$")
    size: int = Field(ge=1, le=1 << 30)


@router.get(_ROOT)
def list_plugins(context: Context) -> Reply:
    context.access.require(_VIEW)
    return json_reply([_shown(one) for one in context.cloud.ui_plugins if _sees(context, one)])


@router.post(_ROOT)
def register(context: Context) -> Reply:
    context.access.require_provider(_MANAGE)
    plugin = UiPlugin(id=context.cloud.new_id(), **read_body(context, _PluginBody).model_dump())
    _check(context.cloud, plugin)
    return json_reply(_shown(context.cloud.ui_plugins.add(plugin)), 201)


@router.get(_PLUGIN)
def read(context: Context, plugin_id: str) -> Reply:
    context.access.require(_VIEW)
    return json_reply(_shown(_plugin(context, plugin_id)))


@router.put(_PLUGIN)
def update(context: Context, plugin_id: str) -> Reply:
    context.access.require_provider(_MANAGE)
    plugin, body = _plugin(context, plugin_id), read_body(context, _PluginBody)
    changed = UiPlugin(id=plugin.id, **body.model_dump())
    _check(context.cloud, changed)
    for name in type(body).model_fields:
        setattr(plugin, name, getattr(changed, name))
    return json_reply(_shown(plugin))


@router.delete(_PLUGIN)
def delete(context: Context, plugin_id: str) -> Reply:
    context.access.require_provider(_MANAGE)
    context.cloud.ui_plugins.remove(_plugin(context, plugin_id))
    return Reply(status=204)


@router.post(f"{_PLUGIN}/plugin")
def begin_upload(context: Context, plugin_id: str) -> Reply:
    """Say in a link where the file is to be sent; a file that came before is forgotten."""
    context.access.require_provider(_MANAGE)
    plugin, body = _plugin(context, plugin_id), read_body(context, _UploadBody)
    plugin.upload = PluginUpload(id=secrets.token_hex(16), file_name=body.file_name, size=body.size)
    plugin.ready = False
    address = context.url(f"/transfer/{plugin.upload.id}/{body.file_name}")
    return Reply(status=204, headers={"link": f'<{address}>;rel="upload:default";type="application/octet-stream"'})


@router.delete(f"{_PLUGIN}/plugin")
def delete_file(context: Context, plugin_id: str) -> Reply:
    context.access.require_provider(_MANAGE)
    plugin = _plugin(context, plugin_id)
    plugin.upload, plugin.ready = None, False
    return Reply(status=204)


@router.get(f"{_PLUGIN}/tenants")
def list_tenants(context: Context, plugin_id: str) -> Reply:
    context.access.require_provider(_VIEW)
    return _tenants_reply(context, _plugin(context, plugin_id))


@router.post(f"{_PLUGIN}/tenants/publish")
def publish(context: Context, plugin_id: str) -> Reply:
    return _publish(context, plugin_id, _stated_tenants, published=True)


@router.post(f"{_PLUGIN}/tenants/unpublish")
def unpublish(context: Context, plugin_id: str) -> Reply:
    return _publish(context, plugin_id, _stated_tenants, published=False)


@router.post(f"{_PLUGIN}/tenants/publishAll")
def publish_to_all(context: Context, plugin_id: str) -> Reply:
    return _publish(context, plugin_id, _all_tenants, published=True)


@router.post(f"{_PLUGIN}/tenants/unpublishAll")
def unpublish_from_all(context: Context, plugin_id: str) -> Reply:
    return _publish(context, plugin_id, _all_tenants, published=False)


def expecting(cloud: Cloud, upload_id: str, file_name: str) -> UiPlugin | None:
    """The plug-in whose file is to be sent to an address of transfers, if there is one."""
    for plugin in cloud.ui_plugins:
        if plugin.upload is not None and secrets.compare_digest(plugin.upload.id.encode(), upload_id.encode()):
            return plugin if plugin.upload.file_name == file_name else None
    return None


async def receive(context: Context, plugin: UiPlugin) -> Reply:
    """Take the file of a plug-in, whose bytes are counted and not kept.

    Raises:
        VcdError: 400, it is not as large as was announced.
    """
    wanted = plugin.upload
    received = 0
    async for chunk in context.pieces():
        received += len(chunk)
    with context.cloud.lock:
        if wanted is None or wanted is not plugin.upload or received != wanted.size:
            raise errors.bad_request(f"The file has {received} bytes, which is not what was announced.")
        plugin.upload, plugin.ready = None, True
    return Reply()


def _publish(context: Context, plugin_id: str, tenants: Callable[[Context], list[Org]], *, published: bool) -> Reply:
    context.access.require_provider(_MANAGE)
    plugin = _plugin(context, plugin_id)
    chosen = [org.id for org in tenants(context)]
    kept = [one for one in plugin.org_ids if one not in chosen]
    plugin.org_ids = [*kept, *chosen] if published else kept
    return _tenants_reply(context, plugin)


def _tenants_reply(context: Context, plugin: UiPlugin) -> Reply:
    found = (context.cloud.orgs.get(one) for one in plugin.org_ids)
    return json_reply([{"name": org.name, "id": context.urn(org)} for org in found if org is not None])


def _stated_tenants(context: Context) -> list[Org]:
    return [context.access.org_by_id(id_in(one.id)) for one in read_list(context, _Named)]


def _all_tenants(context: Context) -> list[Org]:
    return [org for org in context.cloud.orgs if not org.is_system]


def _plugin(context: Context, plugin_id: str) -> UiPlugin:
    found = context.cloud.ui_plugins.get(id_in(plugin_id))
    if found is None or not _sees(context, found):
        raise errors.no_access("uiPlugin", id_in(plugin_id)[:80])
    return found


def _sees(context: Context, plugin: UiPlugin) -> bool:
    """Tenants see what is ready for them."""
    access = context.access
    return access.is_sysadmin or (plugin.tenant_scoped and plugin.enabled and access.org.id in plugin.org_ids)


def _check(cloud: Cloud, plugin: UiPlugin) -> None:
    """Refuse names that are none, and those of another plug-in."""
    for what, text in (("plug-in", plugin.name), ("vendor", plugin.vendor), ("version", plugin.version)):
        check_name(what, text)
    wanted = (plugin.vendor, plugin.name, plugin.version)
    for one in cloud.ui_plugins:
        if one.id != plugin.id and (one.vendor, one.name, one.version) == wanted:
            raise errors.bad_request(f"The plug-in {plugin.name} {plugin.version} is registered already.", _TAKEN)


def _shown(plugin: UiPlugin) -> dict[str, Any]:
    return {
        "id": plugin.urn,
        "pluginName": plugin.name,
        "vendor": plugin.vendor,
        "version": plugin.version,
        "description": plugin.description,
        "license": plugin.license,
        "link": plugin.link,
        "tenant_scoped": plugin.tenant_scoped,
        "provider_scoped": plugin.provider_scoped,
        "enabled": plugin.enabled,
        "plugin_status": "ready" if plugin.ready else "unavailable",
    }
