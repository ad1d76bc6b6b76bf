"""`kubeadm token`: bootstrap tokens, and the command by which a node joins."""

import json
import re
import time

from vcd_simulator.guests.channel import Call, UsageError
from vcd_simulator.guests.kubernetes.access import ADMIN_CONFIG, reach
from vcd_simulator.guests.kubernetes.cluster import Cluster, Manifest, Token
from vcd_simulator.guests.kubernetes.jsonpath import evaluate
from vcd_simulator.guests.kubernetes.pki import new_token
from vcd_simulator.guests.kubernetes.texts import dump
from vcd_simulator.guests.kubernetes.times import stamp
from vcd_simulator.guests.standins.options import Options, age, duration_s, parse, table

TOKEN = re.compile(r"[a-z0-9]{6}\.[a-z0-9]{16}")
DEFAULT_TTL = "24h0m0s"
_TITLES = ["TOKEN", "TTL", "EXPIRES", "USAGES", "DESCRIPTION", "EXTRA GROUPS"]
_USAGES = ("authentication", "signing")
_GROUP = "system:bootstrappers:kubeadm:default-node-token"
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
        return await _list_tokens(call, cluster, options.last("output", "text"))
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
        if options.has("dry-run"):
            duration_s(ttl)
            await call.out(wanted or new_token())
            return 0
        made = cluster.create_token(ttl_s=duration_s(ttl), token=wanted, description=options.last("description"))
    except ValueError as exc:
        raise UsageError(str(exc)) from None
    await call.out(join_command(cluster, made.token) if options.has("print-join-command") else made.token)
    return 0


async def _list_tokens(call: Call, cluster: Cluster, output: str) -> int:
    known = cluster.tokens()
    if output == "json":
        await call.out("".join(f"{json.dumps(_token_document(one), indent=4)}\n" for one in known))
    elif output == "yaml":
        await call.out(dump(*map(_token_document, known)) if known else "")
    elif output.startswith("jsonpath="):
        template = output.removeprefix("jsonpath=")
        await call.out_exactly("".join(evaluate(template, _token_document(one)) for one in known))
    elif output == "text":
        await call.out(table([_TITLES, *map(_row, known)]))
    else:
        raise UsageError(f'error: unable to match a printer suitable for the output format "{output}"')
    return 0


def _row(token: Token) -> list[str]:
    left = "<forever>" if token.expires is None else age(token.expires - time.time())
    ends = "<never>" if token.expires is None else stamp(token.expires)
    return [token.token, left, ends, ",".join(_USAGES), token.description or "<none>", _GROUP]


def _token_document(token: Token) -> Manifest:
    return {
        "kind": "BootstrapToken",
        "apiVersion": "output.kubeadm.k8s.io/v1alpha1",
        "token": token.token,
        **({"description": token.description} if token.description else {}),
        **({} if token.expires is None else {"expires": stamp(token.expires)}),
        "usages": list(_USAGES),
        "groups": [_GROUP],
    }
