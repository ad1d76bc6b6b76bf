"""The commands `vcd cse cluster …`."""

import os
from collections.abc import Mapping
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
    place_options_saying,
    query_of,
    with_session,
)
from cse_cli.vcd_plugin.errors import PluginError
from cse_cli.vcd_plugin.following import being_done
from cse_cli.vcd_plugin.keys import public_keys
from cse_cli.vcd_plugin.output import print_message, print_properties, print_rows, wants_json
from cse_cli.vcd_plugin.session import Session

_COLUMNS = {
    "name": "name",
    "leader_endpoint": "control plane",
    "template": "template",
    "number_of_vms": "VMs",
    "vdc_name": "vdc",
    "status": "status",
}
_KUBECONFIG = Path(".kube") / "config"


@click.group(context_settings=CONTEXT, short_help="work with clusters")
def cluster() -> None:
    """Kubernetes clusters.

    \b
    Examples
        vcd cse cluster list
        vcd cse cluster create c1 --network net1
            Create a cluster with two workers from the default template.
        vcd cse cluster create c1 -n net1 -N 5 -c 4 -m 8192 -t ubuntu-16.04 -k ~/.ssh/id_rsa.pub
            Create one with five workers of 4 CPUs and 8 GB.
        vcd cse cluster info c1
        vcd cse cluster resize c1 --nodes 3
        vcd cse cluster config c1 --save
            Let kubectl speak to it.
        vcd cse cluster delete c1 --yes
    """


@cluster.command("list", short_help="list clusters")
@place_options_saying(org="Only of this org, for system administrators.", vdc="Only in this org VDC.")
@with_session
def list_clusters(context: click.Context, session: Session) -> None:
    """List the clusters that you have access to.

    \b
    Examples
        vcd cse cluster list
        vcd cse cluster list --vdc vdc1
        vcd --json cse cluster list
    """
    rows = session.rows(cluster_path())
    if rows and not wants_json(context):
        doing = being_done(session)
        rows = [{**row, "status": _status(row, doing.get(str(row.get("cluster_id"))))} for row in rows]
    print_rows(context, rows, _COLUMNS, none="there are no clusters that you can see")


def _status(row: Mapping[str, Any], doing: str | None) -> str:
    """The status of the vApp, which is on long before the cluster is ready, and what becomes of the cluster.

    The address of the control plane is written down when everything else is done: where it is missing and nothing is
    being done any more, the creation has failed.
    """
    becoming = doing or ("" if row.get("leader_endpoint") else "unfinished")
    return ", ".join(part for part in (str(row.get("status") or ""), becoming) if part)


@cluster.command(short_help="show a cluster")
@click.argument("name", callback=path_name, metavar="NAME")
@place_options
@with_session
def info(context: click.Context, session: Session, name: str) -> None:
    """Show a cluster with its nodes.

    \b
    Example
        vcd cse cluster info c1
    """
    print_properties(context, session.fields("GET", cluster_path(name, "info")))


@cluster.command(short_help="create a cluster")
@click.argument("name", metavar="NAME")
@click.option("-N", "--nodes", "node_count", type=click.IntRange(min=0), default=2, show_default=True, help="Workers.")
@click.option("-c", "--cpu", type=click.IntRange(min=1), help="Virtual CPUs of each node.")
@click.option("-m", "--memory", type=click.IntRange(min=1), help="Memory of each node in MB.")
@click.option("-n", "--network", required=True, help="Network of the org VDC that the nodes are connected to.")
@click.option("-s", "--storage-profile", help="Storage profile of the nodes.")
@click.option("-k", "--ssh-key", "ssh_key_file", type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="File with SSH public keys to be let in as root: one, or an authorized_keys.")  # fmt: skip
@click.option("-t", "--template", help="Template of the nodes; see `vcd cse template list`.")
@click.option("--enable-nfs", is_flag=True, help="Add an NFS node.")
@click.option("--disable-rollback", is_flag=True, help="Leave everything as it is if the creation fails.")
@click.option("--vdc", metavar="NAME", help="The org VDC to create it in.  [default: the one in use]")
@click.option(
    "--org", metavar="NAME", help="The org of that VDC, for system administrators.  [default: the one in use]"
)
@no_wait_option
@with_session
def create(
    context: click.Context,
    session: Session,
    /,
    name: str,
    ssh_key_file: Path | None,
    vdc: str | None,
    org: str | None,
    *,
    disable_rollback: bool,
    **options: Any,
) -> None:
    """Create a cluster in the org VDC in use, or in the one that is named, and wait until it is ready.

    \b
    Examples
        vcd cse cluster create c1 --network net1
        vcd cse cluster create c1 -n net1 -N 5 -c 4 -m 8192 -s gold -t ubuntu-16.04 -k ~/.ssh/id_rsa.pub
        vcd cse cluster create c1 -n net1 --no-wait
            Return at once; `vcd cse operation watch` follows the creation.
    """
    vdc = vdc or session.vdc
    if vdc is None:
        raise PluginError("no org VDC is in use; choose one with `vcd vdc use NAME`, or say --vdc NAME")
    request = {
        "name": name,
        "vdc": vdc,
        "ssh_key": public_keys(ssh_key_file),
        "disable_rollback": not disable_rollback,  # on the wire, true means that failures are rolled back
        **options,
    }
    reply = session.fields("POST", f"/cse{query_of({'org': org or session.org})}", request)
    finish(context, session, reply, f"cluster {name!r} is ready")


@cluster.command(short_help="change the number of workers")
@click.argument("name", callback=path_name, metavar="NAME")
@click.option("-N", "--nodes", "node_count", type=click.IntRange(min=0), required=True, help="Workers afterwards.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask before workers are removed.")
@place_options
@no_wait_option
@with_session
def resize(context: click.Context, session: Session, name: str, *, node_count: int, yes: bool) -> None:
    """Change the number of workers, and wait until it is done.

    New workers are like those that are there. When a cluster shrinks, its newest workers are drained and deleted.

    \b
    Examples
        vcd cse cluster resize c1 --nodes 5
        vcd cse cluster resize c1 -N 1 --yes
    """
    surplus = len(session.fields("GET", cluster_path(name, "info")).get("nodes") or []) - node_count
    if surplus > 0 and not yes:
        nodes = "worker" if surplus == 1 else f"{surplus} workers"
        confirm(f"Remove the newest {nodes} of the cluster {name!r}?")
    reply = session.fields("POST", cluster_path("_clusters", name, "resize"), {"node_count": node_count})
    finish(context, session, reply, f"cluster {name!r} is resized")


@cluster.command(short_help="delete a cluster")
@click.argument("name", callback=path_name, metavar="NAME")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@place_options
@no_wait_option
@with_session
def delete(context: click.Context, session: Session, name: str, *, yes: bool) -> None:
    """Delete a cluster with everything in it, and wait until it is gone.

    \b
    Example
        vcd cse cluster delete c1 --yes
    """
    if not yes:
        confirm(f"Delete the cluster {name!r} with everything in it?")
    finish(context, session, session.fields("DELETE", cluster_path(name)), f"cluster {name!r} is deleted")


@cluster.command(short_help="show or save a cluster's kubeconfig")
@click.argument("name", callback=path_name, metavar="NAME")
@click.option("-s", "--save", is_flag=True, help="Write it to ~/.kube/config, keeping a copy of what is there.")
@place_options
@with_session
def config(context: click.Context, session: Session, name: str, *, save: bool) -> None:
    """Print the kubeconfig of a cluster's administrator: whoever has it may do anything in the cluster.

    \b
    Examples
        vcd cse cluster config c1 > c1.conf && kubectl --kubeconfig c1.conf get nodes
        vcd cse cluster config c1 --save
    """
    kubeconfig = session.text(cluster_path(name, "config"))
    if save:
        path = save_kubeconfig(Path.home() / _KUBECONFIG, kubeconfig)
        print_message(context, f"saved to {path}")
    elif wants_json(context):
        print_message(context, kubeconfig)
    else:
        click.echo(kubeconfig, nl=not kubeconfig.endswith("\n"))


def save_kubeconfig(path: Path, content: str) -> Path:
    """Writes `path`, readable by its owner only; another content that is there is kept beside it.

    Raises:
        PluginError: it cannot be written.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if path.exists() and path.read_bytes() != content.encode():
            copy, number = path.with_name("config.bak"), 1
            while copy.exists():
                copy, number = path.with_name(f"config.bak.{number}"), number + 1
            path.rename(copy)
            click.echo(f"what was there is in {copy} now", err=True)
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        draft.touch(mode=0o600)
        draft.write_text(content, encoding="utf-8")
        return draft.replace(path)
    except OSError as exc:
        raise PluginError(
            f"{path} cannot be written ({exc.strerror}); say where without --save: `vcd cse cluster config NAME > FILE`"
        ) from exc
