"""Puts the templates service together; the only module that knows all its parts."""

from collections.abc import Callable

from cse.templates.v1 import template_service_pb2_grpc
from cse_core.config import Config
from cse_core.grpc.server import GrpcServer
from cse_core.tls import prepare
from cse_templates.adapters.directories import TemplateDirectories, builtin_directory
from cse_templates.adapters.vcd_verifier import VcdVerifier
from cse_templates.application.queries import CatalogueQueries
from cse_templates.domain.catalogue import Catalogue
from cse_templates.domain.template import Offer
from cse_templates.entrypoints.grpc_servicer import SERVICE, TemplateServicer, Verifier
from cse_templates.settings import TemplatesSettings
from cse_vcd.auth import TokenVerifier
from cse_vcd.session import Vcd, VcdEndpoint

_THREADS = 16


class TemplatesService:
    """The catalogue on a gRPC address.

    Args:
        catalogue: what is served.
        verifier: who says whether a caller's token is good.
        listen: `host:port` or `unix:/path`.
        close: called once nothing is asked of the verifier any more.
    """

    name = "templates"

    def __init__(
        self, catalogue: Catalogue, verifier: Verifier, *, listen: str, close: Callable[[], None] = lambda: None
    ) -> None:
        self._close = close
        servicer = TemplateServicer(CatalogueQueries(catalogue), verifier)
        self._server = GrpcServer(
            listen,
            services=[SERVICE],
            register=[lambda server: template_service_pb2_grpc.add_TemplateServiceServicer_to_server(servicer, server)],
            threads=_THREADS,
        )

    @property
    def address(self) -> str:
        """Where it listens; known after `start`."""
        return self._server.address

    def start(self) -> None:
        self._server.start()

    def stop(self, grace_s: float) -> None:
        self._server.stop(grace_s)
        self._close()

    def wait(self, timeout_s: float | None = None) -> bool:
        return self._server.wait(timeout_s)


def load_catalogue(config: Config, settings: TemplatesSettings) -> Catalogue:
    """Reads the templates that the configuration offers, from the built-in directories and the provider's own.

    Raises:
        CatalogueError: with everything that is wrong with them.
    """
    roots = [builtin_directory(), *([settings.directory] if settings.directory else [])]
    offers = [
        Offer(
            name=template.name,
            description=template.description,
            catalog=config.broker.catalog,
            catalog_item=template.catalog_item,
            cpu_count=template.cpu,
            memory_mb=template.mem,
        )
        for template in config.broker.templates
    ]
    definitions = TemplateDirectories(roots).read(offer.name for offer in offers)
    return Catalogue.join(offers, definitions, default=config.broker.default_template)


def create(config: Config, settings: TemplatesSettings) -> TemplatesService:
    """The service, ready to start.

    Raises:
        CatalogueError: configuration and template directories do not fit together.
        SettingsError: the file with authorities that the environment names cannot be used.
    """
    prepare({"vcd": config.vcd.verify})
    catalogue = load_catalogue(config, settings)
    vcd = Vcd(VcdEndpoint.from_config(config.vcd))
    verifier = VcdVerifier(TokenVerifier(vcd))
    return TemplatesService(catalogue, verifier, listen=settings.listen, close=vcd.close)
