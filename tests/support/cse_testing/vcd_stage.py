"""A simulated cloud with one of everything, and everybody who could ask for it."""

import re
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any, cast

from cse_testing.vcd_cloud import PASSWORDS, LabCloud, RestCaller
from vcd_simulator.defined_entities import definitions, lifecycle
from vcd_simulator.defined_entities.model import EntityType
from vcd_simulator.extensions.amqp_settings import amqp_routes
from vcd_simulator.extensions.authorization import ActionSpec, ClassSpec, ResourceSpec, RuleSpec
from vcd_simulator.extensions.forward import Forwarder
from vcd_simulator.extensions.registry import ExtensionRegistry, FilterSpec, LinkSpec, ServiceSpec
from vcd_simulator.extensions.resources import service_routes
from vcd_simulator.model.authorization import PUBLISHED, SHARED, AclAccess
from vcd_simulator.model.compute import Catalog
from vcd_simulator.model.metadata import MetadataEntry
from vcd_simulator.model.policies import ComputePolicy
from vcd_simulator.model.tenancy import AccessControl, Role, User
from vcd_simulator.model.ui_plugins import UiPlugin
from vcd_simulator.operations import catalogs, policies, tenancy, work
from vcd_simulator.rest.resources import all_routes
from vcd_simulator.rest.routing import Router

PASSWORD = "secret-12"  # of simulated users


def whole_router(registry: ExtensionRegistry) -> Router:
    """Every route of the simulator; those of the broker's settings without a broker."""
    router = all_routes()
    router.include(service_routes(registry))
    router.include(amqp_routes(cast(Forwarder, SimpleNamespace(settings=None))))
    return router


class Stage:
    """One of everything in acme, shared with everybody there; a role decides what he may do with it."""

    def __init__(self) -> None:
        self.lab = LabCloud()
        self.cloud = self.lab.cloud
        self.registry = ExtensionRegistry(self.cloud)
        self.router = whole_router(self.registry)
        self._callers: dict[str, RestCaller] = {}
        alice = self.lab.user("alice")
        self.acme = self.lab.org("acme")
        self.vapp = self.lab.vapp("shared", self.lab.machine("a"))
        self.vapp.access = AccessControl(everyone="FullControl")
        self.vm = self.cloud.vms_of(self.vapp)[0]
        self.catalog = self._catalog()
        self.item = self.cloud.items.find("catalog", self.catalog.id)[0]
        self.spare = self.user("spare", "vApp User")
        self.plain_role = tenancy.create_role(self.cloud, self.acme, "plain", "", ())
        self._service()
        self.policies = {
            of_provider: policies.add(
                self.cloud, ComputePolicy(id=self.cloud.new_id(), name="small", of_provider=of_provider)
            )
            for of_provider in (False, True)
        }
        busy = self.lab.vapp("busy", self.lab.machine("b"))
        busy.access = AccessControl(everyone="FullControl")
        self.task = work.start(
            self.cloud, alice, self.acme.id, busy, "vdcUpdateVapp", "Updating", "Updated", noun="Virtual Application"
        )
        self._define()
        self.cloud.ui_plugins.add(
            UiPlugin(
                id=self.cloud.new_id(), name="p", vendor="v", version="1", tenant_scoped=True, org_ids=[self.acme.id]
            )
        )
        self._put_metadata()

    def _catalog(self) -> Catalog:
        alice = self.lab.user("alice")
        catalog = catalogs.add_catalog(self.cloud, self.acme, alice, "tools")
        catalog.access = AccessControl(everyone="FullControl")
        spec = catalogs.TemplateSpec(name="tool", image=self.lab.template_vm().image)
        catalogs.add_ready_template(self.cloud, catalog, self.lab.vdc(), alice, spec)
        return catalog

    def _service(self) -> None:
        everybody = RuleSpec(name="all", organization=AclAccess(access=PUBLISHED), principal=AclAccess(access=SHARED))
        action = ActionSpec(name="read", method="GET", url_pattern="/api/none", rules=(everybody,))
        resource = ResourceSpec(name="one", org_id=self.acme.id, external_id="1")
        self.registry.register(
            ServiceSpec(
                name="s",
                namespace="s",
                exchange="x",
                routing_key="k",
                filters=(FilterSpec(url_pattern="/api/none"),),
                links=(LinkSpec(href="h", mime_type="t/t", rel="down", resource_type="t/u"),),
                resource_classes=(
                    ClassSpec(name="c", mime_type="t/t", url_template="/x", actions=(action,), resources=(resource,)),
                ),
            )
        )

    def _define(self) -> None:
        """A type of entities, `stage:thing`, and one of them, which is alice's."""
        urn = definitions.type_urn("stage", "thing", "1.0.0")
        thing = EntityType(id=urn, name="thing", vendor="stage", nss="thing", version="1.0.0", schema={})
        definitions.add_type(self.cloud, self.lab.user("administrator", "System"), thing)
        draft = lifecycle.Draft(name="one", content={}, size=2)
        lifecycle.create(self.cloud, self.lab.user("alice"), self.acme, thing, draft)

    def _put_metadata(self) -> None:
        network, profile = self.lab.network(), self.cloud.profiles.find("vdc", self.lab.vdc().id)[0]
        template = self.cloud.templates[self.item.template_id]
        holders = (
            self.vapp, self.vm, self.lab.vdc(), self.acme, self.catalog, self.item, template,
            self.cloud.vms_of(template)[0], network, profile, next(iter(self.cloud.provider_vdcs)),
        )  # fmt: skip
        for one in holders:
            self.cloud.metadata.put(one.id, [MetadataEntry(key="k", value="v")])

    def role(self, name: str, org: str = "acme") -> Role:
        found = self.cloud.roles.first("name", (self.lab.org(org).id, name))
        assert found is not None
        return found

    def user(self, name: str, role: str, org: str = "acme") -> User:
        """A new user."""
        return tenancy.create_user(self.cloud, self.lab.org(org), self.role(role, org), name, PASSWORD)

    def with_rights(self, rights: frozenset[str], org: str = "acme") -> str:
        """The name of a user whose role carries exactly these rights, which the provider has given to his
        organisation."""
        told = "-".join(sorted(re.sub(r"\W", "", right) for right in rights))
        name = f"only-{told}" if len(told) < 100 else f"{len(rights)}-rights"
        owner = self.lab.org(org)
        if self.cloud.users.first("name", (owner.id, name.lower())) is None:
            ids = [found.id for right in rights if (found := self.cloud.rights.first("name", right)) is not None]
            assert len(ids) == len(rights), rights
            owner.rights |= set(ids)
            role = tenancy.create_role(self.cloud, owner, name, "", ids)
            tenancy.create_user(self.cloud, owner, role, name, PASSWORD)
        return name

    def caller(self, name: str, org: str = "acme", version: str = "36.0") -> RestCaller:
        """A session of a user."""
        key = f"{name}@{org} {version}"
        if key not in self._callers:
            caller = RestCaller(self.lab, version, router=self.router)
            known = name in ("alice", "bob", "carol", *PASSWORDS)
            self._callers[key] = caller.login(name, org, None if known else PASSWORD)
        return self._callers[key]

    def fill(self, path: str) -> str:
        """A path with the ids of what there is on this stage in place of its parameters."""
        return re.sub(r"{(\w+)}", lambda found: self._parameter(path, found[1]), path)

    def _parameter(self, path: str, name: str) -> str:
        cloud = self.cloud
        told = {
            "action": "powerOn", "domain": "GENERAL", "key": "k", "transfer_id": "none", "file_name": "none",
            "vendor": "stage", "nss": "thing", "version": "1.0.0",
            "interface_urn": "urn:vcloud:interface:vmware:k8s:1.0.0",
            "type_urn": "urn:vcloud:type:stage:thing:1.0.0",
        }  # fmt: skip
        if name in told:
            return told[name]
        for word, entity in (
            ("externalnet/{network_id}", next(iter(cloud.external_networks))),
            ("network/{network_id}/action/reset", next(iter(self.vapp.networks.values()))),
            ("/vdcStorageProfile/{profile_id}", cloud.profiles.find("vdc", self.lab.vdc().id)[0]),
            ("vdcComputePolicies/{policy_id}", self.policies["pvdc" in path]),
        ):
            if word in path and "{" + name + "}" in word:
                return entity.id
        if name in ("entity_urn", "object_urn", "grant_id"):
            return self._of_thing(path, name)
        if name == "entity_id" or (name == "vm_id" and "/vAppTemplate/" in path):
            return self._entity(path)
        entities: dict[str, Any] = {
            "vapp_id": self.vapp, "vm_id": self.vm, "vdc_id": self.lab.vdc(), "org_id": self.acme,
            "catalog_id": self.catalog, "item_id": self.item, "template_id": cloud.templates[self.item.template_id],
            "network_id": self.lab.network(), "user_id": self.spare, "role_id": self.plain_role, "task_id": self.task,
        }  # fmt: skip
        tables: dict[str, Iterable[Any]] = {
            "right_id": cloud.rights, "datastore_id": cloud.datastores, "host_id": cloud.hosts,
            "server_id": cloud.vim_servers, "pvdc_id": cloud.provider_vdcs, "pool_id": cloud.resource_pools,
            "service_id": cloud.services, "filter_id": cloud.api_filters, "link_id": cloud.service_links,
            "class_id": cloud.resource_classes, "action_id": cloud.resource_class_actions,
            "profile_id": cloud.provider_profiles, "bundle_id": cloud.rights_bundles, "plugin_id": cloud.ui_plugins,
        }  # fmt: skip
        found: str = entities[name].id if name in entities else next(iter(tables[name])).id
        return found

    def _of_thing(self, path: str, name: str) -> str:
        """What is asked about the type of things, or about the one thing that there is."""
        of_type = "/entityTypes/" in path
        thing = next(iter(self.cloud.defined_entities))
        if name == "grant_id":
            return self.cloud.access_grants.find("object", thing.type_id if of_type else thing.id)[0].id
        return thing.type_id if of_type else thing.urn

    def _entity(self, path: str) -> str:
        """The entity that a path is about, as far as the word before its id tells."""
        cloud = self.cloud
        template = cloud.templates[self.item.template_id]
        found: dict[str, Any] = {
            "/vApp/vapp-": self.vapp, "/vApp/vm-": self.vm, "/vdc/": self.lab.vdc(), "/org/": self.acme,
            "/catalog/": self.catalog, "/catalogItem/": self.item, "/vAppTemplate/vappTemplate-": template,
            "/vAppTemplate/vm-": cloud.vms_of(template)[0], "/network/": self.lab.network(),
            "/vdcStorageProfile/": cloud.profiles.find("vdc", self.lab.vdc().id)[0],
            "/providervdc/": next(iter(cloud.provider_vdcs)),
            "/resourceclass/": next(iter(cloud.resource_classes)),
            "/resourceclassaction/": next(iter(cloud.resource_class_actions)),
            "/aclrule/": next(iter(cloud.acl_rules)), "/serviceresource/": next(iter(cloud.service_resources)),
        }  # fmt: skip
        found_id: str = next(one.id for word, one in found.items() if word in path)
        return found_id
