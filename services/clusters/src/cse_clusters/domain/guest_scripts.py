"""Scripts as they run in guests: parameters in front, nothing of a user's in the text of a command."""

import re
import shlex
from collections.abc import Mapping
from typing import Final

from cse_core.secret import Secret

_NAME: Final = re.compile(r"CSE_[A-Z0-9_]+")

KUBECONFIG: Final = "/root/.kube/config"

_PRELUDE: Final = """\
set -euo pipefail
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
"""
"""Programs started through VMware Tools find a bare environment."""

MINT_JOIN: Final = _PRELUDE + "KUBECONFIG=/root/.kube/config kubeadm token create --ttl 1h --print-join-command\n"

AWAIT_NODES: Final = (
    _PRELUDE
    + """\
export KUBECONFIG=/root/.kube/config
are_ready() {
    kubectl get nodes --no-headers 2>/dev/null | awk '
        BEGIN { count = split(ENVIRON["CSE_NODES"], names, " "); for (i in names) missing[names[i]] }
        $1 in missing && $2 ~ /^Ready(,|$)/ { count-- }
        END { exit count > 0 }'
}
pause_ms=200
until are_ready || ((SECONDS >= CSE_WITHIN_S)); do
    sleep "$(printf '%d.%03d' $((pause_ms / 1000)) $((pause_ms % 1000)))"
    pause_ms=$((pause_ms < 1800 ? pause_ms * 13 / 12 : 2000))
done
lines='{range .items[*]}{.metadata.name}{" "}'
lines+='{.status.conditions[?(@.type=="Ready")].status}{"\\n"}{end}'
kubectl get nodes -o jsonpath="$lines"
"""
)
"""Prints a line for each node, which says whether it is Ready, as soon as those of CSE_NODES look so, and after
CSE_WITHIN_S seconds at the latest.

It waits where asking is cheap: each look from outside would take ten calls of vCenter's.
"""

_KUBECTL: Final = (
    _PRELUDE
    + """\
export KUBECONFIG=/root/.kube/config
known=$(kubectl get nodes -o name)
is_known() {
    [[ $known$'\\n' == */"$1"$'\\n'* ]]
}
"""
)
"""Nodes are named by CSE_NODES, a list with spaces between. What Kubernetes does not know (any more) is passed over."""

CORDON: Final = (
    _KUBECTL
    + """\
for node in $CSE_NODES; do
    if is_known "$node"; then
        kubectl cordon "$node" >&2
    fi
done
"""
)

UNCORDON: Final = CORDON.replace("kubectl cordon", "kubectl uncordon")

DRAIN: Final = (
    _KUBECTL
    + """\
if ! is_known "$CSE_NODES"; then
    exit 0
fi
options=(--ignore-daemonsets --timeout="${CSE_DRAIN_TIMEOUT_S}s")
if [[ -n ${CSE_FORCE:-} ]]; then
    options+=(--force)
fi
client=$(kubectl version --client -o json)
pattern='"gitVersion": *"v1\\.([0-9]+)'
if [[ $client =~ $pattern ]] && ((BASH_REMATCH[1] < 20)); then
    options+=(--delete-local-data)
else
    options+=(--delete-emptydir-data)
fi
kubectl drain "$CSE_NODES" "${options[@]}" >&2
"""
)
"""One node. With CSE_FORCE pods that nobody would start elsewhere are deleted, too."""

FORGET: Final = (
    _KUBECTL
    + """\
for node in $CSE_NODES; do
    if is_known "$node"; then
        kubectl delete node "$node" >&2
    fi
done
"""
)

SHOW_EXPORTS: Final = (
    _PRELUDE
    + """\
showmount --no-headers --exports localhost && exit
# A server of NFS 4 alone has no mount daemon to ask. A long directory pushes its clients to the next line.
exportfs | awk 'NF == 1 && /^\\// { path = $1; next } NF == 1 { print path, $1; next } { print $1, $2 }'
"""
)

SHOW_KEYS: Final = _PRELUDE + "head -c 65536 /root/.ssh/authorized_keys 2>/dev/null || true\n"

_ACCEPT_KEY: Final = """\
(
    umask 077
    mkdir -p /root/.ssh
    cd /root/.ssh
    touch authorized_keys
    while IFS= read -r key; do
        grep -qxF -e "$key" authorized_keys || printf '%s\\n' "$key" >> authorized_keys
    done <<< "$CSE_SSH_KEY"
)
"""


_ONE_AT_A_TIME: Final = """\
if command -v flock >/dev/null; then
    exec 9>/run/cse-setup.lock
    flock 9
fi
{
"""
_UNTIL_HERE: Final = "\n} 9>&-\n"
"""What the script leaves running does not keep the lock."""


_AFTERWARDS: Final = """
code=$?
if ((code == 0)); then
    timeout 60 bash 9>&- <<'CSE_AFTERWARDS' || true
{}
CSE_AFTERWARDS
fi
exit "$code"
"""


def guest_script(
    body: str,
    environment: Mapping[str, str],
    *,
    ssh_key: str = "",
    one_at_a_time: bool = False,
    afterwards: str = "",
) -> Secret:
    """One file: the parameters as exports, the key that root's login is to accept, then the script's own lines.

    Secret, because the parameters may hold a join token.

    Args:
        body: the script's own lines.
        environment: its parameters.
        ssh_key: that root's login is to accept; several are several lines.
        one_at_a_time: it waits for the end of another such script in the same guest. One that is begun again, because
            its answer was lost or our process died, may still be running.
        afterwards: a script of ours that runs, for a minute at most, when the other has ended well without leaving the
            shell; how it ends itself makes no difference.

    Raises:
        ValueError: a parameter has a name that is not ours, or a NUL in its value.
    """
    exports = dict(environment)
    if ssh_key:
        exports["CSE_SSH_KEY"] = ssh_key
    lines = ["#!/bin/bash"]
    for name, value in exports.items():
        if not _NAME.fullmatch(name) or "\0" in value:
            raise ValueError(f"cannot hand {name!r} to a guest's script")
        lines.append(f"export {name}={shlex.quote(value)}")
    script = (_ACCEPT_KEY if ssh_key else "") + _without_interpreter(body)
    if one_at_a_time:
        script = _ONE_AT_A_TIME + script + _UNTIL_HERE
    if afterwards:
        script += _AFTERWARDS.format(afterwards)
    return Secret("\n".join(lines) + "\n" + script)


def _without_interpreter(body: str) -> str:
    return body.partition("\n")[2] if body.startswith("#!") else body
