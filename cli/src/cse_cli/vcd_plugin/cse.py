"""`vcd cse`: vcd-cli imports this module because `extensions:` in ~/.vcd-cli/profiles.yaml names it."""

import click
from vcd_cli.vcd import vcd

from cse_cli.vcd_plugin.clusters import cluster
from cse_cli.vcd_plugin.commands import CONTEXT
from cse_cli.vcd_plugin.nodes import node
from cse_cli.vcd_plugin.operations import operation
from cse_cli.vcd_plugin.system import system, version
from cse_cli.vcd_plugin.templates import template


@click.group("cse", short_help="manage Kubernetes clusters", context_settings=CONTEXT)
def cse() -> None:
    """Kubernetes clusters in your organisation's virtual datacenters.

    \b
    Examples
        vcd cse cluster create c1 --network net1
            Create a Kubernetes cluster with two workers.
        vcd cse cluster config c1 --save
            Let kubectl speak to it.
        vcd cse cluster list
            List the clusters that you have access to.
        vcd cse operation list --active
            See what is being done.

    Results go to stdout, as JSON with `--output json`. The exit code is 0 on success, 1 on failure, 2 for wrong usage.
    """


for command in (cluster, node, operation, system, template, version):
    cse.add_command(command)
vcd.add_command(cse)
