"""Every command of `vcd vm` and `vcd vapp`: it works, or it is refused as a site refuses what it does not allow."""

import shlex
import uuid
from collections.abc import Iterator

import pytest

from cse_testing.vcd_cli import VcdCli

PHOTON = "photon-custom-hw11-2.0-304b817-k8s"
NOT_SUPPORTED = "Operation is not supported"
"""What pyvcloud says when a document has no link for something."""
DENIED = "OPERATION_DENIED"
OWN = "a refusal or a failure of vcd-cli's own"

VM_COMMANDS = f"""
info V one
update V one --cpu 4 --memory 4096
add-nic V one --adapter-type VMXNET3 --network acme-net --ip-address-mode POOL --connect
update-nic V one --network acme-net --ip-address-mode DHCP --connect
list-nics V one
delete-nic V one --index 1
update-vhs-disk V one --e-name 'Hard disk 1' --v-quantity 20000000000
update-vhs-media V one --e-name 'CD/DVD Drive 1' --host-resource pb1.iso => {DENIED}
upgrade-virtual-hardware V one
upgrade-virtual-hardware V one => {NOT_SUPPORTED}
enable-nested-hypervisor V one
update-vm-capabilities V one --enable-memory-hot-add --enable-cpu-hot-add
list-vm-capabilities V one
update-boot-options V one --bool-delay 10 --enable-enter-bios-setup
list-boot-options V one
update-os-section V one --d ours
list-os-section V one
update-general-setting V one --name one --d described --cn computer --bd 5 --ebs True --sp gold
general-setting V one
list-storage-profile V one
power-on V one
suspend V one
discard-suspend V one
power-on V one
reset V one
install-vmware-tools V one
insert-cd V one --media-id x => {NOT_SUPPORTED}
eject-cd V one --media-id x => {NOT_SUPPORTED}
create-snapshot V one => {NOT_SUPPORTED}
revert-to-snapshot V one => {NOT_SUPPORTED}
remove-snapshot V one => {NOT_SUPPORTED}
list-screen-ticket V one => {DENIED}
list-mks-ticket V one => {DENIED}
list-current-metrics V one => {NOT_SUPPORTED}
list-subset-current-metrics V one --metric-pattern *.average => {NOT_SUPPORTED}
list-historic-metrics V one => {NOT_SUPPORTED}
list-sample-historic-data V one --metric-name disk.read.average => {NOT_SUPPORTED}
list-runtime-info V one
check-post-gc-script V one
power-off V one
undeploy V one
deploy V one
undeploy V one
gc-enable V one --enable
gc-status V one
list-gc-section V one
update-gc-section V one --disable
poweron-force-recustomize V one
undeploy V one
customize-on-next-poweron V one => {OWN}
check-compliance V one => {NOT_SUPPORTED}
get-compliance-result V one => {NOT_SUPPORTED}
consolidate V one => {NOT_SUPPORTED}
reload-from-vc V one => {NOT_SUPPORTED}
relocate V one --datastore-id 0d8e0ae4-8b5b-4a5f-8a9e-cf24ca4b9f11 => {NOT_SUPPORTED}
list-virtual-hardware-section V one --is-include-disk True --is-include-media True --is-include-network True
list-product-sections V one
set-metadata V one --domain GENERAL --visibility READWRITE --key k --value v --value-type MetadataStringValue
list-metadata V one
update-metadata V one --domain GENERAL --visibility READWRITE --key k --value w --value-type MetadataStringValue
remove-metadata V one --domain GENERAL --key k
copy V one --target-vapp-name V --target-vm-name two
attach-disk V one --idisk-id 0d8e0ae4-8b5b-4a5f-8a9e-cf24ca4b9f11 => {OWN}
detach-disk V one --idisk-id 0d8e0ae4-8b5b-4a5f-8a9e-cf24ca4b9f11 => {OWN}
delete V two
list => {OWN}
"""
VAPP_COMMANDS = f"""
info V
list
update-lease V 3600 7200
show-lease V
power-on V
shutdown -y V
power-on V
suspend V
discard-suspended-state V
undeploy -y V
deploy V
stop V
change-owner V bob
change-owner V alice
enter-maintenance-mode V => {NOT_SUPPORTED}
exit-maintenance-mode V => {NOT_SUPPORTED}
upgrade-virtual-hardware V
enable-download V
download V out.ova
disable-download V
add-disk V one 1024
add-vm V V one -t three -n acme-net -i pool
add-vm V {PHOTON} {PHOTON} -c cse -t four --accept-all-eulas
add-vm-scratch V -vm five -cn five -os vmkernelGuest -aae
undeploy -y V three four
delete -y V three four five
create-snapshot V => {NOT_SUPPORTED}
revert-to-snapshot V => {NOT_SUPPORTED}
remove-snapshot V => {NOT_SUPPORTED}
show-metadata V
update-startup-section V one --o 1 --start-action powerOn --stop-action powerOff
show-startup-section V
update-product-section V --key k --value v --label L --type string --class_name c --instance_name i
show-product-section V
acl add V user:bob:FullControl
acl list V
acl share V
acl unshare V
acl remove V user:bob -y
network create V inner --subnet 192.168.3.1/24 --description d --dns1 8.8.8.8 --ip-range 192.168.3.2-192.168.3.49
network list V
network update V inner -n inner2 -d dd
network add-ip-range V inner2 --ip-range 192.168.3.60-192.168.3.69
network update-ip-range V inner2 --ip-range 192.168.3.60-192.168.3.69 --new-ip-range 192.168.3.70-192.168.3.79
network delete-ip-range V inner2 --ip-range 192.168.3.70-192.168.3.79
network update-dns V inner2 --dns1 6.6.5.1 --dns2 6.6.5.2 --dns-suffix a.b
network dns-info V inner2
network list-allocated-ip V acme-net
network list-vm-interface V acme-net
network reset V acme-net => {DENIED}
network sync-syslog-settings V inner2 => {NOT_SUPPORTED}
network connect-ovdc V inner2 acme-net => {OWN}
network enable-fence V => {DENIED}
network delete V inner2
copy V -n V-copy
move V-copy -v acme-vdc => {DENIED}
delete -y V-copy
use V
"""


def commands(group: str, text: str) -> list[tuple[str, str]]:
    """Every line as a command and what it is refused with, if it is."""
    found = []
    for line in text.strip().splitlines():
        command, _, refusal = line.partition(" => ")
        found.append((f"{group} {command}", refusal))
    return found


@pytest.fixture
def vapp(alice: VcdCli, published_catalog: str) -> Iterator[str]:
    """A vApp with one VM, `one`, that is off."""
    name = f"v{uuid.uuid4().hex[:8]}"
    create = ["vapp", "create", name, "-c", published_catalog, "-t", PHOTON, "-n", "acme-net", "-i", "pool"]
    alice.ok(*create, "--vm-name", "one", "--accept-all-eulas")
    alice.ok("vapp", "undeploy", "-y", name)
    yield name
    alice.ok("vapp", "delete", "-y", "-f", name)


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("group", ["vm", "vapp"])
def test_every_command_works_or_is_not_allowed(alice: VcdCli, vapp: str, group: str) -> None:
    surprises = []
    for command, refusal in commands(group, VM_COMMANDS if group == "vm" else VAPP_COMMANDS):
        arguments = [vapp + word[1:] if word == "V" or word.startswith("V-") else word for word in shlex.split(command)]
        outcome = alice.run(*arguments)
        told = outcome.out + outcome.err
        expected = outcome.code == 0 if not refusal else outcome.code != 0 and (refusal == OWN or refusal in told)
        if not expected:
            surprises.append(f"vcd {' '.join(arguments)} → {outcome.code}\n{told}")
    assert not surprises, "\n".join(surprises)
