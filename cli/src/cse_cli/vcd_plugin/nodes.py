"""The commands `vcd cse node …`."""

from pathlib import Path
from typing import Any

import click

from cse_cli.vcd_plugin.agreement import confirm
from cse_cli.vcd_plugin.commands import (
    CONTEXT,
    cluster_path,
    finish,
    no_wait_option,
    path_name,
    place_options,
    with_session,
)
from cse_cli.vcd_plugin.keys import public_keys
from cse_cli.vcd_plugin.output import print_properties, print_rows
from cse_cli.vcd_plugin.session import Session

_COLUMNS = {"name": "name", "ipAddress": "IP address", "node_type": "type"}
_LISTS = {"master_nodes": "master", "nodes": "node", "nfs_nodes": "nfsd"}


@click.group(context_settings=CONTEXT, short_help="work with the nodes of a cluster")
def node() -> None:
    """The machines of a cluster.

    \b
    Examples
        vcd cse node list c1
        vcd cse node create c1 --nodes 2
            Add two workers.
        vcd cse node create c1 --type nfsd
            Add a machine that exports NFS shares.
        vcd cse node info c1 node-7k2p
        vcd cse node delete c1 node-7k2p --yes
    """


@node.command("list", short_help="list the nodes of a cluster")
@click.argument("cluster", callback=path_name, metavar="CLUSTER")
@place_options
@with_session
def list_nodes(context: click.Context, session: Session, cluster: str) -> None:
    """List the nodes of a cluster.

    \b
    Example
        vcd cse node list c1
    """
    found = session.fields("GET", cluster_path(cluster, "info"))
    rows = [{**each, "node_type": kind} for key, kind in _LISTS.items() for each in found.get(key) or []]
    print_rows(context, rows, _COLUMNS, none=f"cluster {cluster!r} has no nodes (yet)")


@node.command(short_help="show a node")
@click.argument("cluster", callback=path_name, metavar="CLUSTER")
@click.argument("name", callback=path_name, metavar="NODE")
@place_options
@with_session
def info(context: click.Context, session: Session, cluster: str, name: str) -> None:
    """Show a node; an NFS node with the directories that it exports.

    \b
    Example
        vcd cse node info c1 nfsd-7k2p
    """
    print_properties(context, session.fields("GET", cluster_path(cluster, name, "info")))


@node.command(short_help="add nodes to a cluster")
@click.argument("cluster", callback=path_name, metavar="CLUSTER")
@click.option("-N", "--nodes", "node_count", type=click.IntRange(min=1), default=1, show_default=True, help="How many.")
@click.option("--type", "node_type", type=click.Choice(["node", "nfsd"]), default="node", show_default=True,
              help="Workers, or machines that export NFS shares.")  # fmt: skip
@click.option("-c", "--cpu", type=click.IntRange(min=1), help="Virtual CPUs of each node.")
@click.option("-m", "--memory", type=click.IntRange(min=1), help="Memory of each node in MB.")
@click.option("-n", "--network", help="Network that the nodes are connected to; the cluster's if not given.")
@click.option("-s", "--storage-profile", help="Storage profile of the nodes.")
@click.option("-k", "--ssh-key", "ssh_key_file", type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="File with SSH public keys to be let in as root: one, or an authorized_keys.")  # fmt: skip
@click.option("-t", "--template", help="Template of the nodes; the cluster's if not given.")
@click.option("--disable-rollback", is_flag=True, help="Leave everything as it is if adding them fails.")
@place_options
@no_wait_option
@with_session
def create(
    context: click.Context,
    session: Session,
    /,
    cluster: str,
    ssh_key_file: Path | None,
    *,
    disable_rollback: bool,
    **options: Any,
) -> None:
    """Add nodes to a cluster, and wait until they are ready.

    \b
    Examples
        vcd cse node create c1
        vcd cse node create c1 -N 2 -c 4 -m 8192 -s gold -k ~/.ssh/id_rsa.pub
        vcd cse node create c1 --type nfsd --no-wait
    """
    request = {
        "name": cluster,
        "vdc": session.vdc,
        "ssh_key": public_keys(ssh_key_file),
        "disable_rollback": not disable_rollback,  # on the wire, true means that failures are rolled back
        **options,
    }
    reply = session.fields("POST", cluster_path(cluster, "node"), request)
    finish(context, session, reply, f"nodes are added to cluster {cluster!r}")


@node.command(short_help="remove nodes from a cluster")
@click.argument("cluster", callback=path_name, metavar="CLUSTER")
@click.argument("nodes", nargs=-1, required=True, metavar="NODE…")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option("-f", "--force", is_flag=True, help="Go on past what fails.")
@place_options
@no_wait_option
@with_session
def delete(
    context: click.Context, session: Session, cluster: str, nodes: tuple[str, ...], *, yes: bool, force: bool
) -> None:
    """Drain nodes, delete them, and wait until they are gone.

    \b
    Examples
        vcd cse node delete c1 node-7k2p node-x3a9
        vcd cse node delete c1 node-7k2p --yes --force
            Delete it even if its pods do not end, or the control plane does not answer.
    """
    if not yes:
        confirm(f"Delete {', '.join(map(repr, nodes))} of the cluster {cluster!r}?")
    request = {"name": cluster, "vdc": session.vdc, "nodes": list(nodes), "force": force}
    reply = session.fields("DELETE", cluster_path(cluster, "node"), request)
    finish(context, session, reply, f"cluster {cluster!r} is without {', '.join(dict.fromkeys(nodes))}")
