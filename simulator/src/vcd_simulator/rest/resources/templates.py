"""vApp templates and the VMs in them."""

from vcd_simulator import errors
from vcd_simulator.operations import catalogs
from vcd_simulator.rest.context import Context, Reply
from vcd_simulator.rest.documents import catalogs as documents
from vcd_simulator.rest.documents import vms as vm_documents
from vcd_simulator.rest.resources.vapps import accepted
from vcd_simulator.rest.routing import Router

router = Router()


@router.get("/api/vAppTemplate/vappTemplate-{template_id}")
def get_template(context: Context, template_id: str) -> Reply:
    template = context.access.template_by_id(template_id)
    context.access.require("vApp Template / Media: View")
    return Reply(content=documents.template(context, template))


@router.get("/api/vAppTemplate/vm-{vm_id}")
def get_template_vm(context: Context, vm_id: str) -> Reply:
    return Reply(content=vm_documents.vm(context, context.access.template_vm_by_id(vm_id)[1]))


@router.delete("/api/vAppTemplate/vappTemplate-{template_id}")
def delete_template(context: Context, template_id: str) -> Reply:
    template = context.access.template_by_id(template_id)
    item = context.cloud.items.get(template.catalog_item_id)
    if item is None:
        raise errors.no_access("vAppTemplate", template_id)
    context.access.catalog_to_change(item.catalog_id, "vApp Template / Media: Edit")
    return accepted(context, catalogs.delete_template(context.cloud, context.session.user, template))
