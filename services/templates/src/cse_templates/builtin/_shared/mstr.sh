#!/bin/bash
# Makes this machine the control plane of a cluster. Running it again changes nothing.
# The last line of stdout is the control plane's IPv4 address; everything else goes to stderr.
set -euo pipefail

: "${CSE_CLUSTER_NAME:?}" "${CSE_NODE_NAME:?}" "${CSE_POD_SUBNET:?}"
: "${CSE_CNI_MANIFEST:?}" "${CSE_CNI_SUBNET:?}"

# Programs started through VMware Tools find a bare environment.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
export KUBECONFIG=/etc/kubernetes/admin.conf
readonly API_TIMEOUT_S=300
# Files of kubeadm do not tell a finished initialisation from one that was interrupted, so it is noted here.
readonly DONE=/etc/cse/initialised

say() {
    echo "mstr: $*" >&2
}

# The address that other nodes reach this one at: the default route's, else the first global one.
own_address() {
    local address
    address=$(ip -4 -o route get 192.0.2.1 2>/dev/null |
        awk 'NR == 1 {for (i = 1; i < NF; i++) if ($i == "src") print $(i + 1)}') || true
    if [[ -z $address ]]; then
        address=$(ip -4 -o addr show scope global | awk 'NR == 1 {split($4, part, "/"); print part[1]}')
    fi
    [[ $address =~ ^[0-9]+(\.[0-9]+){3}$ ]] || {
        say "this machine has no IPv4 address"
        return 1
    }
    echo "$address"
}

api_answers() {
    kubectl get nodes >/dev/null 2>&1
}

wait_for_api() {
    local deadline=$((SECONDS + API_TIMEOUT_S))
    until api_answers; do
        if ((SECONDS >= deadline)); then
            say "the API server did not answer within $API_TIMEOUT_S s"
            return 1
        fi
        sleep 1
    done
}

initialise() {
    local address=$1
    if [[ -e /etc/kubernetes/manifests/kube-apiserver.yaml ]]; then
        say "an earlier initialisation was interrupted; starting afresh"
        kubeadm reset --force >&2 || kubeadm reset >&2 # before 1.11 there was nothing to force
    fi
    say "initialising the control plane of $CSE_CLUSTER_NAME"
    # The version of the kubeadm that is there: images built by CSE 1.2.x may have an older one.
    kubeadm init \
        --kubernetes-version "$(kubeadm version -o short)" \
        --apiserver-advertise-address "$address" \
        --node-name "$CSE_NODE_NAME" \
        --pod-network-cidr "$CSE_POD_SUBNET" \
        --skip-token-print >&2
}

# The image carries the manifest; images built by CSE 1.2.x have it at another place.
cni_manifest() {
    local file
    for file in /etc/cse/cni.yaml /root/weave.yml; do
        if [[ -s $file ]]; then
            echo "$file"
            return
        fi
    done
    echo "$CSE_CNI_MANIFEST"
}

apply_cni() {
    kubectl apply -f "$(cni_manifest)" >&2
    if [[ $CSE_POD_SUBNET != "$CSE_CNI_SUBNET" ]]; then
        kubectl --namespace kube-system set env daemonset/weave-net --containers weave \
            "IPALLOC_RANGE=$CSE_POD_SUBNET" >&2
    fi
}

main() {
    local address
    address=$(own_address)
    systemctl enable --now docker >&2
    systemctl enable kubelet >&2

    if [[ -e $DONE ]]; then
        systemctl start kubelet >&2
    else
        initialise "$address"
        mkdir -p "${DONE%/*}"
        touch "$DONE"
    fi
    wait_for_api
    install -d -m 0700 /root/.kube
    install -m 0600 /etc/kubernetes/admin.conf /root/.kube/config
    apply_cni
    say "the control plane of $CSE_CLUSTER_NAME is up"
    echo "$address"
}

main
