"""The broker settings of the cells: reading, changing and trying them out."""

import asyncio
from dataclasses import replace

from vcd_simulator import errors
from vcd_simulator.extensions import documents
from vcd_simulator.extensions.broker import AmqpSettings
from vcd_simulator.extensions.forward import Forwarder, diagnose
from vcd_simulator.rest import xml
from vcd_simulator.rest.context import Context, Reply
from vcd_simulator.rest.parsing import require_root
from vcd_simulator.rest.routing import Router

_PORTS = range(1, 65536)


def amqp_routes(forwarder: Forwarder) -> Router:
    """The routes below `/api/admin/extension/settings`, for system administrators."""
    router = Router()

    @router.get(f"{documents.EXTENSION}/settings")
    def index(context: Context) -> Reply:
        context.access.require_provider("System Settings: View")
        return Reply(content=documents.system_settings(context))

    @router.get(documents.AMQP)
    def show(context: Context) -> Reply:
        context.access.require_provider("System Settings: View")
        return Reply(content=documents.amqp_settings(context, forwarder.settings or AmqpSettings()))

    @router.put(documents.AMQP)
    async def change(context: Context) -> Reply:
        settings = _read(context, forwarder)
        await asyncio.to_thread(forwarder.configure, settings)  # says good-bye to the old broker first
        return Reply(content=documents.amqp_settings(context, settings))

    @router.post(f"{documents.AMQP}/action/test")
    async def test(context: Context) -> Reply:
        problem = await asyncio.to_thread(diagnose, _read(context, forwarder))
        return Reply(content=documents.amqp_test(context, problem))

    return router


def _read(context: Context, forwarder: Forwarder) -> AmqpSettings:
    context.access.require_provider("System Settings: Edit")
    root = require_root(context.xml(), "AmqpSettings")
    current = forwarder.settings or AmqpSettings()
    settings = documents.read_amqp_settings(root, current)
    if (settings.host, settings.port, settings.username) != (current.host, current.port, current.username):
        # A password is for the account it was given for; it must not be sent to another place.
        settings = replace(settings, password=xml.text_of(root, "AmqpPassword"))
    if not settings.host or not settings.username or not settings.exchange:
        raise errors.bad_request("Bad request: validation error, AmqpHost, AmqpUsername and AmqpExchange are required.")
    if settings.port not in _PORTS:
        raise errors.bad_request("Bad request: validation error, AmqpPort is not between 1 and 65535.")
    return settings
