"""`cse-templates`: the templates service as a process of its own."""

import sys

from cse_core import logs, runtime
from cse_core.command_line import Program
from cse_core.config import ConfigError, config_path, load_config
from cse_core.settings import SettingsError
from cse_templates import __version__
from cse_templates.bootstrap import create
from cse_templates.domain.catalogue import CatalogueError
from cse_templates.settings import TemplatesSettings

_EPILOG = """\
environment:
  CSE_CONFIG              configuration file (default: config.yaml); must be readable by its owner only
  CSE_CA_FILE             authorities to trust besides the machine's, for vCD (PEM)
  CSE_TEMPLATES_LISTEN    host:port or unix:/path to listen on (default: 127.0.0.1:7402)
  CSE_TEMPLATES_DIR       directory with templates of your own; they override and add to the built-in ones
  CSE_LOG_LEVEL           DEBUG, INFO, WARNING or ERROR (default: INFO)
  CSE_LOG_FORMAT          console or json (default: console)

examples:
  cse-templates -c config.yaml
  CSE_TEMPLATES_DIR=/etc/cse/templates CSE_LOG_FORMAT=json cse-templates
  grpcurl -plaintext 127.0.0.1:7402 list
  grpcurl -plaintext 127.0.0.1:7402 grpc.health.v1.Health/Check

It ends with SIGTERM or Ctrl-C.
"""
_PROGRAM = Program(
    name="cse-templates",
    version=__version__,
    about="The template catalogue of Container Service Extension, over gRPC.",
    epilog=_EPILOG,
)


def main(arguments: list[str] | None = None) -> int:
    """Runs until SIGTERM or Ctrl-C; returns the exit code."""
    named = _PROGRAM.config_file(arguments)
    try:
        settings = TemplatesSettings.read()
        logs.configure(service="templates", level=settings.log_level, form=settings.log_format)
        service = create(load_config(config_path(named)), settings)
        return runtime.run_until_signal([service])
    except ConfigError as exc:
        findings = [f"{exc.path}: {finding}" for finding in exc.findings]
    except CatalogueError as exc:
        findings = exc.findings
    except (SettingsError, OSError) as exc:
        findings = [str(exc)]
    for finding in findings:
        print(f"cse-templates: {finding}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
