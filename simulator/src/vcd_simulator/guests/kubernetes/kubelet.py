"""The kubelet of a machine, as its cluster knows it."""

from typing import TYPE_CHECKING

from vcd_simulator.guests.kubernetes.preflight import kubelet_version

if TYPE_CHECKING:
    from vcd_simulator.guests.machine import Guest


def report(guest: "Guest") -> None:
    """Tell the API server which version has just started; harmless in a machine that belongs to no cluster."""
    if guest.joined is not None:
        cluster, name = guest.joined
        cluster.change_node(name, kubelet_version=kubelet_version(guest))
