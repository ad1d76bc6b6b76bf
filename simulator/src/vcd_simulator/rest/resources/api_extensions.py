"""Extension services that listen on MQTT: `/cloudapi/extensions/api`.

There is no MQTT broker, so there are none, and none can be registered. Clients ask before they register one for AMQP.
"""

from vcd_simulator.rest.cloudapi import page_reply
from vcd_simulator.rest.context import Context, Reply
from vcd_simulator.rest.routing import Router

router = Router()


@router.get("/cloudapi/extensions/api")
def list_extensions(context: Context) -> Reply:
    context.access.require_provider("External Service: View")
    return page_reply(context, [])
