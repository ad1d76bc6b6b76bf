"""Capturing vApps as templates."""

import pytest

from cse_testing.vcd_cloud import Answer, LabCloud, RestCaller
from vcd_simulator.model.compute import Catalog, CatalogItem, Vapp
from vcd_simulator.operations import catalogs, power


@pytest.fixture
def catalog(lab: LabCloud) -> Catalog:
    return catalogs.add_catalog(lab.cloud, lab.org("acme"), lab.user("alice"), "captures")


@pytest.fixture
def vapp(lab: LabCloud) -> Vapp:
    return lab.vapp("source", lab.machine("a"), lab.machine("b"))


def capture(
    caller: RestCaller, catalog: Catalog, vapp: Vapp, name: str = "t", target: CatalogItem | None = None
) -> Answer:
    overwrites = f'<TargetCatalogItem href="https://vcd.test/api/catalogItem/{target.id}"/>' if target else ""
    return caller.post(
        f"/api/catalog/{catalog.id}/action/captureVApp",
        f'<CaptureVAppParams xmlns="http://www.vmware.com/vcloud/v1.5" name="{name}"><Description>d</Description>'
        f'<Source href="https://vcd.test/api/vApp/vapp-{vapp.id}"/><CustomizationSection>'
        f"<CustomizeOnInstantiate>true</CustomizeOnInstantiate></CustomizationSection>{overwrites}</CaptureVAppParams>",
    )


def only_item(lab: LabCloud, catalog: Catalog) -> CatalogItem:
    (item,) = lab.cloud.items.find("catalog", catalog.id)
    return item


def test_the_answer_is_a_task_owned_by_the_new_template(
    lab: LabCloud, alice: RestCaller, catalog: Catalog, vapp: Vapp
) -> None:
    answer = capture(alice, catalog, vapp)
    assert (answer.status, answer.xml.tag) == (202, "{http://www.vmware.com/vcloud/v1.5}Task")
    owner = answer.xml.find("{*}Owner")
    assert owner is not None
    item = only_item(lab, catalog)
    assert owner.get("href") == f"https://vcd.test/api/vAppTemplate/vappTemplate-{item.template_id}"
    with pytest.raises(Exception, match="is busy"):
        power.power_on(lab.cloud, lab.user("alice"), vapp, None)
    lab.pass_time()
    shown = alice.get(owner.get("href", "")).xml
    assert [vm.get("name") for vm in shown.findall("{*}Children/{*}Vm")] == ["a", "b"]
    source, copy = lab.cloud.vms_of(vapp)[0], lab.cloud.vms_of(lab.cloud.templates[item.template_id])[0]
    assert copy.image == f"image-of-{source.moid}"
    assert copy.customization.admin_password == source.customization.admin_password
    assert [nic.ip_address for nic in copy.nics] == [None]


def test_overwriting_keeps_the_item_and_replaces_the_template_at_the_end(
    lab: LabCloud, alice: RestCaller, catalog: Catalog, vapp: Vapp
) -> None:
    capture(alice, catalog, vapp)
    lab.pass_time()
    item = only_item(lab, catalog)
    before = item.template_id
    assert capture(alice, catalog, vapp).status == 400, "without a target the name is taken"
    answer = capture(alice, catalog, vapp, target=item)
    assert (answer.status, item.template_id) == (202, before)
    new = answer.xml.findall("{*}Owner")[0].get("href", "")
    assert alice.get(new).status == 200, "the new one can be seen while it is made"
    lab.pass_time()
    assert only_item(lab, catalog) is item
    assert new.endswith(item.template_id)
    assert (item.version, lab.cloud.templates[item.template_id].version) == (2, 2)
    assert before not in lab.cloud.templates
    version = alice.get(f"/api/catalogItem/{item.id}").xml.find("{*}VersionNumber")
    assert version is not None
    assert version.text == "2"


def test_a_failed_capture_leaves_nothing_and_a_failed_replacement_the_old(
    lab: LabCloud, alice: RestCaller, catalog: Catalog, vapp: Vapp
) -> None:
    task = lab.cloud.tasks.tasks
    capture(alice, catalog, vapp)
    lab.cloud.tasks.cancel(list(task)[-1])
    assert not lab.cloud.items.find("catalog", catalog.id)
    capture(alice, catalog, vapp)
    lab.pass_time()
    item = only_item(lab, catalog)
    before = item.template_id
    capture(alice, catalog, vapp, target=item)
    lab.cloud.tasks.cancel(list(task)[-1])
    assert only_item(lab, catalog).template_id == before
    assert [one.id for one in lab.cloud.templates if one.catalog_item_id == item.id] == [before]


def test_who_may_capture_what(
    lab: LabCloud, alice: RestCaller, bob: RestCaller, carol: RestCaller, catalog: Catalog, vapp: Vapp
) -> None:
    assert bob.get(f"/api/catalog/{catalog.id}").status == 403
    assert capture(bob, catalog, vapp).status == 403
    assert capture(carol, catalog, vapp).status == 403
    empty = lab.vapp("empty")
    assert capture(alice, catalog, empty).status == 400
    add = "add", "application/vnd.vmware.vcloud.captureVAppParams+xml"
    assert add in alice.get(f"/api/catalog/{catalog.id}").links()
    assert not lab.cloud.items.find("catalog", catalog.id)
