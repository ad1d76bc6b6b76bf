"""Uploading templates: files, fragments, sizes, what goes wrong."""

import hashlib
from collections.abc import Callable

import pytest

from cse_testing.ovf import envelope
from cse_testing.vcd_cloud import Answer, LabCloud, RestCaller
from vcd_simulator.model.compute import Catalog, CatalogItem, Status, VappTemplate
from vcd_simulator.operations import catalogs, uploads
from vcd_simulator.rest.resources import transfers

UPLOAD = '<UploadVAppTemplateParams xmlns="http://www.vmware.com/vcloud/v1.5" name="{name}"{more}>{inside}</UploadVAppTemplateParams>'  # noqa: E501


@pytest.fixture
def catalog(lab: LabCloud) -> Catalog:
    return catalogs.add_catalog(lab.cloud, lab.org("acme"), lab.user("alice"), "uploads")


class Upload:
    """A client in the middle of an upload."""

    def __init__(self, caller: RestCaller, catalog: Catalog, name: str = "photon.ova", more: str = "") -> None:
        self.caller = caller
        self.anonymous = RestCaller(caller.lab)
        self.answer = caller.post(
            f"/api/catalog/{catalog.id}/action/upload", UPLOAD.format(name=name, more=more, inside="")
        )
        assert self.answer.status == 201, self.answer

    @property
    def item(self) -> CatalogItem:
        return self.caller.lab.cloud.items[self.answer.xml.get("id", "").rpartition(":")[2]]

    @property
    def template(self) -> VappTemplate:
        return self.caller.lab.cloud.templates[self.item.template_id]

    def entity(self) -> Answer:
        return self.caller.get(self.answer.xml.findall("{*}Entity")[0].get("href", ""))

    def files(self) -> dict[str, tuple[int, int, str]]:
        """Size, bytes transferred and address by name."""
        return {
            one.get("name", ""): (
                int(one.get("size", "")),
                int(one.get("bytesTransferred", "")),
                one.findall("{*}Link[@rel='upload:default']")[0].get("href", ""),
            )
            for one in self.entity().xml.findall("{*}Files/{*}File")
        }

    def task(self) -> tuple[str | None, str | None]:
        """Status and message of the template's task."""
        (task,) = self.entity().xml.findall("{*}Tasks/{*}Task")
        error = task.find("{*}Error")
        return task.get("status"), None if error is None else error.get("message")

    def describe(self, body: bytes | None = None) -> None:
        body = envelope() if body is None else body
        answer = self.anonymous.call("PUT", self.files()["descriptor.ovf"][2], body.decode())
        assert answer.status == 200

    def send(self, name: str, size: int, content_range: str | None = None) -> Answer:
        headers = {"content-range": content_range} if content_range else {}
        return self.anonymous.call("PUT", self.files()[name][2], "x" * size, headers | {"accept": "*/*"})


@pytest.fixture
def upload(alice: RestCaller, catalog: Catalog) -> Upload:
    return Upload(alice, catalog)


def test_files_come_in_fragments_and_a_task_makes_the_template_of_them(lab: LabCloud, upload: Upload) -> None:
    size, transferred, _ = upload.files()["descriptor.ovf"]
    assert (size, transferred, upload.entity().xml.get("ovfDescriptorUploaded")) == (-1, 0, "false")
    upload.describe()
    lab.pass_time()
    assert upload.entity().xml.get("status") == "12"
    assert list(upload.files()) == ["descriptor.ovf", "disk1.vmdk"]
    assert upload.send("disk1.vmdk", 1000, "bytes 0-999/3000").status == 200
    assert upload.files()["disk1.vmdk"][:2] == (3000, 1000)
    assert upload.send("disk1.vmdk", 1000, "bytes 2000-2999/3000").status == 200
    assert upload.send("disk1.vmdk", 500, "bytes 500-999/3000").status == 200, "again"
    assert upload.files()["disk1.vmdk"][:2] == (3000, 2000)
    assert upload.task() == ("running", None)
    assert not lab.cloud.vms_of(upload.template)
    assert upload.send("disk1.vmdk", 1000, "bytes 1000-1999/3000").status == 200
    lab.pass_time(5)
    assert upload.task() == ("running", None)
    lab.pass_time()
    assert upload.task() == ("success", None)
    assert not upload.files()
    shown = upload.entity().xml
    assert (shown.get("status"), [vm.get("name") for vm in shown.findall("{*}Children/{*}Vm")]) == ("8", ["machine 1"])
    (vm,) = lab.cloud.vms_of(upload.template)
    assert (vm.image, vm.hardware.memory_mb, vm.hardware.disks[0].capacity_mb) == ("photon-base", 2048, 16384)


def test_several_files_must_all_come(lab: LabCloud, upload: Upload) -> None:
    upload.describe(envelope(files={"disk1.vmdk": 10, "disk 2.vmdk": 20}))
    assert upload.send("disk1.vmdk", 10).status == 200
    lab.pass_time()
    assert upload.task() == ("running", None)
    assert upload.send("disk 2.vmdk", 20).status == 200
    lab.pass_time()
    assert upload.task() == ("success", None)


@pytest.mark.parametrize(
    ("length", "content_range", "status"),
    [
        (1000, "bytes 0-998/3000", 400),
        (1000, "bytes 0-999/4000", 400),
        (1000, "bytes 2500-3499/3000", 416),
        (1000, "bytes 999-0/3000", 416),
        (1000, "octets 0-999/3000", 400),
        (1000, None, 400),
        (3001, None, 400),
    ],
)
def test_sizes_must_fit(upload: Upload, length: int, content_range: str | None, status: int) -> None:
    upload.describe()
    assert upload.send("disk1.vmdk", length, content_range).status == status
    assert upload.files()["disk1.vmdk"][:2] == (3000, 0)


@pytest.mark.parametrize("body", ["<x", "<x/>", '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>'])
def test_a_bad_descriptor_fails_the_task(lab: LabCloud, upload: Upload, body: str) -> None:
    upload.describe(body.encode())
    status, message = upload.task()
    assert status == "error"
    assert message is not None
    assert message.startswith("Validation failed for the OVF file")
    assert "root:" not in message
    assert not upload.files()
    assert upload.entity().xml.get("status") == "-1"
    assert upload.caller.delete(f"/api/catalogItem/{upload.item.id}").status == 204
    assert not lab.cloud.templates.find("owner", lab.user("alice").id)


def test_a_name_is_there_once(alice: RestCaller, catalog: Catalog, upload: Upload) -> None:
    again = alice.post(f"/api/catalog/{catalog.id}/action/upload", UPLOAD.format(name="photon.ova", more="", inside=""))
    assert (again.status, again.xml.get("minorErrorCode")) == (400, "DUPLICATE_NAME")


def test_an_upload_that_stands_still_is_given_up(lab: LabCloud, upload: Upload) -> None:
    upload.caller.sessions.idle_timeout_s = 10 * uploads.IDLE_S
    upload.describe()
    lab.pass_time(uploads.IDLE_S - 60)
    upload.send("disk1.vmdk", 1000, "bytes 0-999/3000")
    lab.pass_time(uploads.IDLE_S - 60)
    assert upload.task()[0] == "running"
    lab.pass_time(61)
    assert upload.task()[0] == "error"
    assert upload.template.status is Status.FAILED_CREATION


def test_an_upload_can_be_canceled_or_deleted(lab: LabCloud, alice: RestCaller, catalog: Catalog) -> None:
    first, second = Upload(alice, catalog, "one"), Upload(alice, catalog, "two")
    address = second.files()["descriptor.ovf"][2]
    (task,) = first.entity().xml.findall("{*}Tasks/{*}Task")
    assert alice.post(f"{task.get('href')}/action/cancel").status == 204
    assert first.task()[0] == "canceled"
    assert alice.delete(f"/api/catalogItem/{second.item.id}").status == 204
    assert second.anonymous.call("PUT", address, envelope().decode()).status == 404
    assert list(alice.lab.cloud.transfers) == []


@pytest.mark.parametrize("is_described", [False, True], ids=["descriptor", "disk"])
def test_an_upload_that_is_canceled_while_a_file_comes_leaves_nothing(
    lab: LabCloud, upload: Upload, monkeypatch: pytest.MonkeyPatch, *, is_described: bool
) -> None:
    if is_described:
        upload.describe()
    name = "disk1.vmdk" if is_described else "descriptor.ovf"
    (transfer,) = lab.cloud.transfers
    kept = lab.cloud.upload_files.path(transfer.id, name)

    async def canceled_meanwhile(action: Callable[..., object], *arguments: object) -> object:
        if list(lab.cloud.transfers):
            lab.cloud.tasks.cancel(lab.cloud.tasks.tasks[transfer.task_id])
        return action(*arguments)

    address = upload.files()[name][2]
    monkeypatch.setattr(transfers, "run_in_threadpool", canceled_meanwhile)
    assert upload.anonymous.call("PUT", address, "x" * 3000, {"accept": "*/*"}).status == 404
    assert upload.task()[0] == "canceled"
    assert not kept.parent.exists()


@pytest.mark.parametrize("kind", ["catalogItem", "vAppTemplate"])
def test_records_say_when_a_template_can_be_used(lab: LabCloud, upload: Upload, kind: str) -> None:
    def status() -> str | None:
        (record,) = upload.caller.get(f"/api/query?type={kind}&filter=name==photon.ova").xml.findall("{*}*[@name]")
        return record.get("status")

    assert status() == "UNRESOLVED"
    upload.describe()
    lab.pass_time()
    assert upload.send("disk1.vmdk", 3000).status == 200
    assert status() == "UPLOADING"
    lab.pass_time(10)
    assert (upload.task()[0], status()) == ("success", "RESOLVED")


def test_a_template_is_not_used_before_it_is_there(alice: RestCaller, lab: LabCloud, upload: Upload) -> None:
    href = upload.entity().xml.get("href")
    body = (
        '<InstantiateVAppTemplateParams xmlns="http://www.vmware.com/vcloud/v1.5" name="early">'
        f'<Source href="{href}"/></InstantiateVAppTemplateParams>'
    )
    answer = alice.post(f"/api/vdc/{lab.vdc().id}/action/instantiateVAppTemplate", body)
    assert (answer.status, answer.xml.get("minorErrorCode")) == (400, "OPERATION_DENIED")


def test_who_may_upload(alice: RestCaller, bob: RestCaller, carol: RestCaller, catalog: Catalog) -> None:
    path = f"/api/catalog/{catalog.id}/action/upload"
    body = UPLOAD.format(name="x", more="", inside="")
    assert carol.post(path, body).status == 403
    assert bob.post(path, body).status == 403, "a vApp author may not"
    add = "add", "application/vnd.vmware.vcloud.uploadVAppTemplateParams+xml"
    assert add in alice.get(f"/api/catalog/{catalog.id}").links()
    assert alice.post(path, '<Media xmlns="http://www.vmware.com/vcloud/v1.5" name="iso"/>').status == 400


def test_an_organisation_without_a_vdc_keeps_no_templates(lab: LabCloud, alice: RestCaller, catalog: Catalog) -> None:
    lab.vdc().enabled = False
    answer = alice.post(f"/api/catalog/{catalog.id}/action/upload", UPLOAD.format(name="x", more="", inside=""))
    assert (answer.status, answer.xml.get("minorErrorCode")) == (400, "OPERATION_DENIED")
    assert not lab.cloud.items.find("catalog", catalog.id)


class TestManifests:
    DISK = b"x" * 3000

    def manifest(self, disk: bytes = DISK, descriptor: bytes | None = None) -> str:
        own = hashlib.sha1(descriptor or envelope(), usedforsecurity=False).hexdigest()
        return f"SHA1(photon.ovf)= {own}\nSHA256(disk1.vmdk)= {hashlib.sha256(disk).hexdigest()}\n"

    def put(self, upload: Upload, name: str, body: str) -> Answer:
        address = upload.files()["descriptor.ovf"][2].replace("descriptor.ovf", name)
        return upload.anonymous.call("PUT", address, body, {"accept": "*/*"})

    def test_one_that_has_to_come_is_waited_for(self, lab: LabCloud, alice: RestCaller, catalog: Catalog) -> None:
        upload = Upload(alice, catalog, more=' manifestRequired="true"')
        assert list(upload.files()) == ["descriptor.ovf", "descriptor.mf"]
        upload.describe()
        assert upload.send("disk1.vmdk", 3000).status == 200
        lab.pass_time()
        assert upload.task()[0] == "running", "the manifest is missing"
        assert self.put(upload, "descriptor.mf", self.manifest()).status == 200
        lab.pass_time()
        assert upload.task() == ("success", None)

    def test_one_that_nobody_asked_for_is_checked_too(self, lab: LabCloud, upload: Upload) -> None:
        upload.describe()
        assert self.put(upload, "photon.mf", self.manifest()).status == 200
        assert self.put(upload, "photon.mf", self.manifest()).status == 404, "there is one now"
        for first in (1500, 0):
            upload.send("disk1.vmdk", 1500, f"bytes {first}-{first + 1499}/3000")
        lab.pass_time()
        assert upload.task() == ("success", None)

    @pytest.mark.parametrize(
        ("text", "why"),
        [
            ("SHA256(disk1.vmdk)= " + "0" * 64, "the digest of 'disk1.vmdk' is not the manifest's"),
            ("SHA256(other.ovf)= " + "0" * 64, "the digest of 'descriptor.ovf' is not the manifest's"),
            ("SHA256(none.vmdk)= " + "0" * 64, "the digest of 'none.vmdk' is not the manifest's"),
            ("MD5(disk1.vmdk)= 0", "line 1 is not of the form"),
            ("SHA256(disk1.vmdk)= 00", "line 1 is not of the form"),
            ("\n", "it lists no file"),
        ],
        ids=["disk", "descriptor", "stranger", "algorithm", "length", "empty"],
    )
    def test_what_is_not_as_it_says_fails(self, lab: LabCloud, upload: Upload, text: str, why: str) -> None:
        upload.describe()
        self.put(upload, "descriptor.mf", text)
        if upload.task()[0] == "running":
            upload.send("disk1.vmdk", 3000)
            lab.pass_time()
        status, message = upload.task()
        assert status == "error"
        assert why in (message or "")


def test_nothing_is_left_of_an_upload_that_is_over(lab: LabCloud, upload: Upload) -> None:
    upload.describe()
    upload.send("disk1.vmdk", 1000, "bytes 0-999/3000")
    (transfer,) = lab.cloud.transfers
    kept = lab.cloud.upload_files.path(transfer.id, "disk1.vmdk")
    assert kept.stat().st_size == 1000
    upload.send("disk1.vmdk", 2000, "bytes 1000-2999/3000")
    lab.pass_time()
    assert upload.task()[0] == "success"
    assert not kept.parent.exists()
