"""`cse-templates`: the templates service as a process of its own."""

import sys

from cse_core import logs, runtime
from cse_core.config import ConfigError, config_path, load_config
from cse_core.settings import SettingsError
from cse_templates.bootstrap import create
from cse_templates.domain.catalogue import CatalogueError
from cse_templates.settings import TemplatesSettings


def main() -> int:
    """Runs until SIGTERM or Ctrl-C; returns the exit code."""
    try:
        settings = TemplatesSettings.read()
        logs.configure(service="templates", level=settings.log_level, form=settings.log_format)
        service = create(load_config(config_path()), settings)
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
