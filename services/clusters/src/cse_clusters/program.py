"""What `cse-clusters` does: the cluster manager as a process of its own."""

import os
import sys

from cse_clusters import __version__
from cse_clusters.bootstrap import create
from cse_clusters.settings import ClustersSettings
from cse_core import logs, runtime
from cse_core.command_line import Program
from cse_core.config import CONFIG_VARIABLE, ConfigError, load_config
from cse_core.errors import CseError
from cse_core.operations import StartError
from cse_core.settings import SettingsError

_EPILOG = """\
environment:
  CSE_CONFIG              configuration file (default: config.yaml); must be readable by its owner only
  CSE_CA_FILE             authorities to trust besides the machine's, for vCD and vCenters (PEM)
  CSE_CLUSTERS_LISTEN     host:port or unix:/path to listen on (default: 127.0.0.1:7401)
  CSE_TEMPLATES_TARGET    where cse-templates listens (default: 127.0.0.1:7402)
  CSE_OPERATION_TIMEOUT   seconds after which an operation is ended as failed (default: 3600)
  CSE_VCD_TASK_TIMEOUT    seconds after which a vCD task is called stuck (default: 1800)
  CSE_LIMIT_PLACING       seconds from vCD's "done" until a machine is on its vCenter (default: 300)
  CSE_LIMIT_BOOT          seconds until a new guest's tools answer and take its password (default: 900)
  CSE_LIMIT_SCRIPT        seconds that a template's script may run in a guest (default: 1200)
  CSE_LIMIT_MINT          seconds that a question to kubeadm or kubectl may take (default: 120)
  CSE_LIMIT_DRAIN         seconds that the pods of a node may take to leave (default: 300)
  CSE_LIMIT_READY         seconds until Kubernetes calls new nodes Ready (default: 600)
  CSE_LIMIT_BUSY          seconds that a busy or silent vCD is waited for (default: 600)
  CSE_LIMIT_OUTAGE        seconds that a vCenter or a guest's tools may be away (default: 300)
  CSE_ORPHAN_AGE          seconds after which a vApp of a creation that is not known is left behind (default: 7200)
  CSE_RUNNING_OPERATIONS  operations at work at once (default: 64)
  CSE_OPERATIONS_DATABASE where operations are kept: sqlite:///path for one process, postgresql:// for several
                          replicas (default: cse-state/operations.db beside the configuration file)
  CSE_OPERATIONS_KEY      keys that encrypt them, separated by commas; the first encrypts, all decrypt
  CSE_OPERATIONS_KEY_FILE the same in a file (default with SQLite: made beside the database)
  CSE_OPERATIONS_RETENTION  seconds for which operations that have ended are remembered (default: 30 days)
  CSE_LOG_LEVEL           DEBUG, INFO, WARNING or ERROR (default: INFO)
  CSE_LOG_FORMAT          console or json (default: console)

examples:
  cse-clusters -c config.yaml
  CSE_CLUSTERS_LISTEN=unix:/run/cse/clusters.sock CSE_LOG_FORMAT=json cse-clusters
  grpcurl -plaintext 127.0.0.1:7401 list
  grpcurl -plaintext 127.0.0.1:7401 grpc.health.v1.Health/Check

It ends with SIGTERM or Ctrl-C after it has finished, or handed back, what is in progress.
"""
_PROGRAM = Program(
    name="cse-clusters",
    version=__version__,
    about="The cluster manager of Container Service Extension, over gRPC.",
    epilog=_EPILOG,
)


def run(arguments: list[str] | None) -> int:
    """Runs until SIGTERM, Ctrl-C or StopSystem; returns the exit code."""
    config_file = _PROGRAM.config_file(arguments)
    try:
        named = {CONFIG_VARIABLE: str(config_file)} if config_file else {}
        settings = ClustersSettings.read({**os.environ, **named})
        logs.configure(service="clusters", level=settings.log_level, form=settings.log_format)
        service = create(load_config(settings.config_file), settings)
        code = runtime.run_until_signal([service])
        if service.has_threads_left:
            runtime.end_process(code)
        return code
    except ConfigError as exc:
        findings = [f"{exc.path}: {finding}" for finding in exc.findings]
    except (SettingsError, StartError, CseError, OSError) as exc:
        findings = [str(exc)]
    for finding in findings:
        sys.stderr.write(f"cse-clusters: {finding}\n")
    return 1
