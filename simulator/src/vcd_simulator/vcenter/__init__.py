"""A vCenter Server over the simulator's guests: the part of the vSphere API that guest operations need."""

from vcd_simulator.vcenter.app import create_app
from vcd_simulator.vcenter.sessions import VcenterAccount

__all__ = ["VcenterAccount", "create_app"]
