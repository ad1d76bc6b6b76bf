#!/bin/bash
# Joins this machine to a cluster as a worker. Running it again changes nothing.
set -euo pipefail

: "${CSE_NODE_NAME:?}" "${CSE_JOIN_ENDPOINT:?}" "${CSE_JOIN_TOKEN:?}" "${CSE_JOIN_CA_HASH:?}"

# Programs started through VMware Tools find a bare environment.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root

say() {
    echo "node: $*" >&2
}

join() {
    if [[ -e /etc/kubernetes/bootstrap-kubelet.conf || -e /etc/kubernetes/pki/ca.crt ]]; then
        say "an earlier attempt to join was interrupted; starting afresh"
        kubeadm reset --force >&2 || kubeadm reset >&2 # before 1.11 there was nothing to force
    fi
    say "joining $CSE_NODE_NAME to $CSE_JOIN_ENDPOINT"
    kubeadm join "$CSE_JOIN_ENDPOINT" \
        --token "$CSE_JOIN_TOKEN" \
        --discovery-token-ca-cert-hash "$CSE_JOIN_CA_HASH" \
        --node-name "$CSE_NODE_NAME" >&2
}

main() {
    systemctl enable --now docker >&2
    systemctl enable kubelet >&2
    # The kubelet writes this file when the cluster has accepted it.
    if [[ -s /etc/kubernetes/kubelet.conf ]]; then
        say "this machine has joined already"
        systemctl start kubelet >&2
    else
        join
    fi
}

main
