"""What can be done: one module per family of resources, each with a router. `all_routes` is the whole table."""

from vcd_simulator.rest.resources import (
    access,
    api_extensions,
    catalogs,
    defined_entities,
    defined_types,
    downloads,
    entity_grants,
    external_networks,
    metadata,
    networks,
    org_settings,
    org_vdcs,
    orgs,
    packaged_queries,
    people,
    policies,
    provider,
    provider_vdcs,
    query,
    rights_bundles,
    sessions,
    tasks,
    templates,
    transfers,
    ui_plugins,
    vapp_networks,
    vapps,
    vdcs,
    vm_settings,
    vms,
)
from vcd_simulator.rest.routing import Router


def all_routes() -> Router:
    """The routes of vCloud Director itself; those of extensions come on top."""
    router = Router()
    for module in (
        access, api_extensions, catalogs, defined_entities, defined_types, downloads, entity_grants,
        external_networks, metadata, networks, org_settings, org_vdcs, orgs, packaged_queries, people, policies,
        provider, provider_vdcs, query, rights_bundles, sessions, tasks, templates, transfers, ui_plugins,
        vapp_networks, vapps, vdcs, vm_settings, vms,
    ):  # fmt: skip
        router.include(module.router)
    return router
