"""`cse-gateway`: the gateway as a process of its own."""

import sys

from cse_core import logs, runtime
from cse_core.config import ConfigError, config_path, load_config
from cse_core.settings import SettingsError
from cse_gateway.bootstrap import create
from cse_gateway.settings import GatewaySettings


def main() -> int:
    """Runs until SIGTERM, Ctrl-C or the end of the whole service; returns the exit code."""
    try:
        settings = GatewaySettings.read()
        logs.configure(service="gateway", level=settings.log_level, form=settings.log_format)
        gateway = create(load_config(config_path()), settings)
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
