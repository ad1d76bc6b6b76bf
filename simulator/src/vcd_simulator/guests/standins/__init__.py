"""Stand-ins: commands that behave as the real ones do towards a script, and keep their state in the simulator."""

from vcd_simulator.guests.kubernetes import kubeadm, kubectl
from vcd_simulator.guests.standins import (
    accounts,
    apt,
    containers,
    distribution,
    files,
    firewall,
    identity,
    kernel,
    machine_settings,
    network,
    nfs,
    ports,
    rpm,
    services,
    tools,
    web,
)
from vcd_simulator.guests.standins.registry import Registry

STANDINS = Registry(
    modules=(
        accounts,
        apt,
        containers,
        distribution,
        files,
        firewall,
        identity,
        kernel,
        machine_settings,
        kubeadm,
        kubectl,
        network,
        nfs,
        ports,
        rpm,
        services,
        tools,
        web,
    ),
)
