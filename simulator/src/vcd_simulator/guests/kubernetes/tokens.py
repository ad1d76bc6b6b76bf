"""`kubeadm token`: bootstrap tokens, and the command by which a node joins."""

import re
import time

from vcd_simulator.guests.channel import Call, UsageError
from vcd_simulator.guests.kubernetes.access import ADMIN_CONFIG, reach
from vcd_simulator.guests.kubernetes.cluster import Cluster
from vcd_simulator.guests.kubernetes.pki import new_token
from vcd_simulator.guests.standins.options import Options, age, duration_s, parse, table

TOKEN = re.compile(r"[a-z0-9]{6}\.[a-z0-9]{16}")
DEFAULT_TTL = "24h0m0s"
_TOKEN_VALUES = ("ttl", "description", "groups", "usages", "kubeconfig", "config", "v", "output", "certificate-key")


def join_command(cluster: Cluster, token: str) -> str:
    """The line that `kubeadm token create --print-join-command` prints."""
    return f"kubeadm join {cluster.endpoint} --token {token} --discovery-token-ca-cert-hash {cluster.pki.ca_hash}"


async def token(call: Call, arguments: tuple[str, ...]) -> int:
    """Carry out `kubeadm token`. Raises UsageError."""
    options = parse(arguments, values=_TOKEN_VALUES, switches=("print-join-command", "dry-run"), short={"o": "output"})
    verb = options.words[0] if options.words else "list"
    if verb == "generate":
        await call.out(new_token())
        return 0
    flag = options.last("kubeconfig")
    if not flag and "KUBECONFIG" not in call.environment and await call.exists(ADMIN_CONFIG):
        flag = ADMIN_CONFIG
    cluster = await reach(call, flag)
    if verb == "create":
        return await _create_token(call, cluster, options)
    if verb == "list":
        return await _list_tokens(call, cluster)
    if verb == "delete":
        for text in options.words[1:]:
            if not cluster.delete_token(text):
                raise UsageError(
                    f'failed to delete bootstrap token "{text}": secrets "bootstrap-token-{text[:6]}" not found'
                )
            await call.out(f'bootstrap token "{text[:6]}" deleted')
        return 0
    raise UsageError(f'unknown command "{verb}" for "kubeadm token"')


async def _create_token(call: Call, cluster: Cluster, options: Options) -> int:
    wanted = options.words[1] if len(options.words) > 1 else None
    if wanted is not None and not TOKEN.fullmatch(wanted):
        raise UsageError(
            f'the bootstrap token "{wanted}" was not of the form "\\A([a-z0-9]{{6}})\\.([a-z0-9]{{16}})\\z"', 3
        )
    ttl = options.last("ttl", DEFAULT_TTL)
    try:
        made = cluster.create_token(ttl_s=duration_s(ttl), token=wanted, description=options.last("description"))
    except ValueError as exc:
        raise UsageError(str(exc)) from None
    await call.out(join_command(cluster, made.token) if options.has("print-join-command") else made.token)
    return 0


async def _list_tokens(call: Call, cluster: Cluster) -> int:
    rows = [["TOKEN", "TTL", "EXPIRES", "USAGES", "DESCRIPTION"]]
    for known in cluster.tokens():
        left = "<forever>" if known.expires is None else age(known.expires - time.time())
        ends = "<never>" if known.expires is None else time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(known.expires))
        rows.append([known.token, left, ends, "authentication,signing", known.description or "<none>"])
    await call.out(table(rows))
    return 0
