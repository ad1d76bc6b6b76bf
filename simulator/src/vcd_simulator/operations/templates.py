"""Changes to vApp templates that exist."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from vcd_simulator.model.cloud import Cloud
from vcd_simulator.model.compute import VappTemplate
from vcd_simulator.model.policies import AppliedPolicies
from vcd_simulator.model.task import Task
from vcd_simulator.model.tenancy import User
from vcd_simulator.operations import vm_policies, work
from vcd_simulator.operations.names import check_name


@dataclass(kw_only=True)
class TemplateChange:
    """What is to change in a template; None leaves it as it is."""

    name: str | None = None
    description: str | None = None
    gold_master: bool | None = None
    policies: Mapping[str, AppliedPolicies] = field(default_factory=dict)
    """What VMs follow that are made from the template's, by the ids of these."""


def update(cloud: Cloud, user: User, template: VappTemplate, change: TemplateChange) -> Task:
    """Change a template; VMs that were made from it stay as they are.

    Raises:
        VcdError: the name is none, there is no such compute policy, or the template is busy.
    """
    name = template.name if change.name is None else check_name("vApp template", change.name)
    policies = {vm_id: vm_policies.of_template_vm(cloud, wanted) for vm_id, wanted in change.policies.items()}

    def effect() -> None:
        template.name = name
        template.description = template.description if change.description is None else change.description
        template.gold_master = template.gold_master if change.gold_master is None else change.gold_master
        for vm_id, applied in policies.items():
            cloud.vms[vm_id].policies = applied
        cloud.templates.reindex(template)

    return work.start(
        cloud, user, cloud.vdcs[template.vdc_id].org_id, template, "vdcUpdateTemplate", "Updating", "Updated",
        noun="Virtual Application Template", effect=effect,
    )  # fmt: skip
