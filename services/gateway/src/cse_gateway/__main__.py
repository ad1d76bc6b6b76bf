"""`cse-gateway`: the gateway as a process of its own."""

import sys

from cse_core import logs, runtime
from cse_core.command_line import Program
from cse_core.config import ConfigError, config_path, load_config
from cse_core.settings import SettingsError
from cse_gateway import __version__
from cse_gateway.bootstrap import create
from cse_gateway.settings import GatewaySettings

_EPILOG = """\
environment:
  CSE_CONFIG              configuration file (default: config.yaml); must be readable by its owner only
  CSE_CA_FILE             authorities to trust besides the machine's, for RabbitMQ (PEM)
  CSE_CLUSTERS_TARGET     where cse-clusters listens, host:port or unix:/path (default: 127.0.0.1:7401)
  CSE_TEMPLATES_TARGET    where cse-templates listens (default: 127.0.0.1:7402)
  CSE_GATEWAY_LISTEN      where to offer gRPC health (default: 127.0.0.1:7400)
  CSE_GATEWAY_EXTENSION_TIMEOUT_S  vCD's extensibility.timeout in seconds (default: 10)
  CSE_GATEWAY_REPLY_MARGIN_S       seconds before that by which a reply is on its way (default: 0.5)
  CSE_GATEWAY_CLOCK_TOLERANCE_MS   how far ahead of vCD's clock this machine's is (default: 0)
  CSE_LOG_LEVEL           DEBUG, INFO, WARNING or ERROR (default: INFO)
  CSE_LOG_FORMAT          console or json (default: console)

examples:
  cse-gateway -c config.yaml
  CSE_CLUSTERS_TARGET=clusters:7401 CSE_TEMPLATES_TARGET=templates:7402 CSE_LOG_FORMAT=json cse-gateway
  grpcurl -plaintext 127.0.0.1:7400 grpc.health.v1.Health/Check

It ends with SIGTERM or Ctrl-C after it has answered what it has taken.
"""
_PROGRAM = Program(
    name="cse-gateway",
    version=__version__,
    about="Answers the requests that vCloud Director forwards to Container Service Extension through RabbitMQ.",
    epilog=_EPILOG,
)


def main(arguments: list[str] | None = None) -> int:
    """Runs until SIGTERM, Ctrl-C or the end of the whole service; returns the exit code."""
    named = _PROGRAM.config_file(arguments)
    try:
        settings = GatewaySettings.read()
        logs.configure(service="gateway", level=settings.log_level, form=settings.log_format)
        gateway = create(load_config(config_path(named)), settings)
        code = runtime.run_until_signal([gateway])
        return code if gateway.failure is None else 1
    except ConfigError as exc:
        findings = [f"{exc.path}: {finding}" for finding in exc.findings]
    except (SettingsError, OSError) as exc:
        findings = [str(exc)]
    for finding in findings:
        print(f"cse-gateway: {finding}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
