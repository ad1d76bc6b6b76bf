"""Reading template directories: what is right is read whole, what is wrong is all told at once."""

import os
import shutil
from pathlib import Path

import pytest

from cse_templates.adapters.directories import (
    SCRIPT_FILES,
    SHARED_FILES,
    TemplateDirectories,
    builtin_directory,
    read_directory,
    shared_directory,
)
from cse_templates.domain.catalogue import CatalogueError

BUILTIN = ["photon-v2", "ubuntu-16.04"]


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """A directory with all scripts."""
    directory = Path(shutil.copytree(builtin_directory() / "photon-v2", tmp_path / "mine"))
    return Path(shutil.copytree(shared_directory(), directory, dirs_exist_ok=True))


def findings(directory: Path) -> list[str]:
    with pytest.raises(CatalogueError) as caught:
        read_directory(directory)
    return [finding.replace(f"{directory}/", "") for finding in caught.value.findings]


def rewrite(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


@pytest.mark.parametrize("name", BUILTIN)
def test_a_built_in_template_is_complete(name: str) -> None:
    definition = TemplateDirectories([builtin_directory()]).read([name])[name]
    assert definition.name == name
    assert definition.revision >= 1
    assert len(definition.ova.sha256) == 64
    for role in SCRIPT_FILES:
        assert getattr(definition.scripts, role).startswith("#!/bin/bash\n")


def test_the_versions_are_in_the_scripts_as_environment_variables(template: Path) -> None:
    worker = read_directory(template).scripts.worker
    assert "export CSE_KUBERNETES_VERSION=1.12.7\n" in worker
    assert worker.index("export CSE_KUBERNETES_VERSION") < worker.index("set -euo pipefail")


def test_a_value_that_looks_like_shell_stays_a_value(template: Path) -> None:
    manifest = "https://mirror.example.com/$(reboot)/`id`';touch"
    rewrite(
        template / "template.yaml",
        "https://github.com/weaveworks/weave/releases/download/v2.3.0/weave-daemonset-k8s-1.7.yaml",
        manifest,
    )
    line = next(x for x in read_directory(template).scripts.worker.splitlines() if "CSE_CNI_MANIFEST=" in x)
    assert line == """export CSE_CNI_MANIFEST='https://mirror.example.com/$(reboot)/`id`'"'"';touch'"""


def test_the_digest_changes_with_a_script_and_with_nothing_else(template: Path) -> None:
    before = read_directory(template).scripts.digest
    rewrite(template / "template.yaml", "revision: 1", "revision: 2")
    assert read_directory(template).scripts.digest == before
    rewrite(template / "node.sh", "# Joins", "# Now joins")
    assert read_directory(template).scripts.digest != before


def test_moving_text_from_one_script_to_another_changes_the_digest(template: Path) -> None:
    before = read_directory(template).scripts.digest
    worker, nfs = (template / "node.sh").read_text(), (template / "nfsd.sh").read_text()
    (template / "node.sh").write_text(nfs)
    (template / "nfsd.sh").write_text(worker)
    assert read_directory(template).scripts.digest != before


def test_all_findings_come_at_once(template: Path) -> None:
    (template / "template.yaml").write_text(
        "revision: 0\nos: Photon\nkubernets: {}\n"
        "ova: {url: 'ftp://x', name: x.ova, sha256: abc}\n"
        "kubernetes: {version: 1.10, package: '1.10.0'}\n"
        "container_runtime: {name: docker, version: '1', package: '1'}\n"
        "container_network: {name: weave, version: '2', manifest: 'https://x/y', pod_subnet: 10.32.0.1/12}\n"
    )
    (template / "init.sh").unlink()
    (template / "node.sh").write_text("echo no shebang\n")
    (template / "nfsd.sh").write_bytes(b"#!/bin/bash\r\necho\r\n")
    (template / "cust.sh").write_bytes(b"#!/bin/bash\n\xff\n")
    found = "\n".join(findings(template))
    for expected in (
        "template.yaml: revision:",
        "template.yaml: kubernets: unknown key",
        "template.yaml: ova.url:",
        "template.yaml: ova.sha256:",
        "template.yaml: kubernetes.version: must be a text; put it between quotes",
        "template.yaml: container_network.pod_subnet: must be an IPv4 network",
        "init.sh: is missing",
        "node.sh: must begin with the line #!/bin/bash",
        "nfsd.sh: has carriage returns",
        "cust.sh: is not UTF-8 text",
    ):
        assert expected in found


def test_scripts_that_do_alike_on_all_guests_need_not_be_there(template: Path) -> None:
    own = read_directory(template).scripts
    rewrite(template / "nfsd.sh", "# Makes", "# Still makes")
    for file in SHARED_FILES - {"nfsd.sh"}:
        (template / file).unlink()
    scripts = read_directory(template).scripts
    assert (scripts.control_plane, scripts.worker) == (own.control_plane, own.worker)
    assert "# Still makes" in scripts.nfs


def test_a_script_that_is_a_link_to_nowhere_is_missing(template: Path) -> None:
    (template / "node.sh").unlink()
    (template / "node.sh").symlink_to("nowhere.sh")
    assert findings(template) == ["node.sh: is missing"]


def test_a_script_that_is_no_file_is_refused_rather_than_waited_for(template: Path) -> None:
    (template / "node.sh").unlink()
    os.mkfifo(template / "node.sh")
    assert findings(template) == ["node.sh: is no file"]


def test_broken_yaml_is_told_with_its_line(template: Path) -> None:
    (template / "template.yaml").write_text("revision: 1\nos: [unclosed\n")
    assert "is not valid YAML in line" in findings(template)[0]


def test_a_link_out_of_the_directory_is_refused(template: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("#!/bin/bash\n")
    (template / "node.sh").unlink()
    (template / "node.sh").symlink_to(secret)
    assert findings(template) == ["node.sh: is a link that leads out of the template's directory"]


def test_a_link_within_the_directory_is_followed(template: Path) -> None:
    (template / "..data").mkdir()
    (template / "node.sh").rename(template / "..data" / "node.sh")
    (template / "node.sh").symlink_to("..data/node.sh")
    assert "kubeadm join" in read_directory(template).scripts.worker


def test_a_customization_longer_than_vcd_takes_is_refused(template: Path) -> None:
    (template / "init.sh").write_text("#!/bin/bash\n" + "#" * 49_000 + "\n")
    assert "49000 characters" in findings(template)[0]


def test_a_huge_file_is_refused(template: Path) -> None:
    (template / "node.sh").write_text("#!/bin/bash\n" + "#" * (256 * 1024))
    assert findings(template) == ["node.sh: is larger than 262144 bytes"]


def test_the_providers_directory_overrides_and_adds(tmp_path: Path) -> None:
    for name in ("photon-v2", "ours"):
        shutil.copytree(builtin_directory() / "photon-v2", tmp_path / name)
        rewrite(tmp_path / name / "template.yaml", "revision: 1", "revision: 7")
    directories = TemplateDirectories([builtin_directory(), tmp_path])
    assert directories.names == ["ours", *BUILTIN]
    read = directories.read(["photon-v2", "ours", "ubuntu-16.04"])
    assert [read[name].revision for name in ("photon-v2", "ours", "ubuntu-16.04")] == [7, 7, 1]


def test_a_broken_template_that_nobody_offers_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "draft").mkdir()
    (tmp_path / ".git").mkdir()
    directories = TemplateDirectories([builtin_directory(), tmp_path])
    assert directories.names == ["draft", *BUILTIN]
    assert set(directories.read(BUILTIN)) == set(BUILTIN)


def test_a_template_without_a_directory_is_an_error_that_says_what_to_do() -> None:
    with pytest.raises(CatalogueError) as caught:
        TemplateDirectories([builtin_directory()]).read(["photon-v3", "../photon-v2"])
    first, second = caught.value.findings
    assert "'photon-v3' is configured, but has no directory (there are: photon-v2, ubuntu-16.04)" in first
    assert "$CSE_TEMPLATES_DIR" in first
    assert "'../photon-v2'" in second


def test_a_directory_of_templates_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match=r"CSE_TEMPLATES_DIR must name a directory"):
        TemplateDirectories([tmp_path / "missing"])
