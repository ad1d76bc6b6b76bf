#!/bin/bash
# Installs Docker, Kubernetes and an NFS server on Photon OS, and fetches the container network's manifest.
# Runs once while the template is built, and again harmlessly if the build is continued.
set -euo pipefail

: "${CSE_KUBERNETES_PACKAGE:?}" "${CSE_KUBERNETES_VERSION:?}" "${CSE_RUNTIME_PACKAGE:?}" "${CSE_CNI_MANIFEST:?}"
readonly CNI_SHA256=${CSE_CNI_SHA256:-}

# Programs started through VMware Tools find a bare environment.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root

say() {
    echo "cust: $*" >&2
}

install_packages() {
    say "installing packages"
    tdnf makecache -q >&2
    tdnf install -y -q \
        "docker-$CSE_RUNTIME_PACKAGE" \
        "kubernetes-$CSE_KUBERNETES_PACKAGE" \
        "kubernetes-kubeadm-$CSE_KUBERNETES_PACKAGE" \
        curl ebtables ethtool iptables nfs-utils rpcbind socat >&2
}

# What kubeadm asks of a node: bridged traffic seen by iptables, forwarding, no swap.
prepare_kernel() {
    say "preparing the kernel"
    printf '%s\n' br_netfilter overlay >/etc/modules-load.d/kubernetes.conf
    printf '%s = 1\n' net.bridge.bridge-nf-call-iptables net.bridge.bridge-nf-call-ip6tables net.ipv4.ip_forward \
        >/etc/sysctl.d/99-kubernetes.conf
    modprobe -a br_netfilter overlay
    sysctl -q --system >&2
    swapoff -a
    if [[ -e /etc/fstab ]]; then
        sed -i -E '/^[^#].*[[:space:]]swap[[:space:]]/s/^/# /' /etc/fstab
    fi
}

allow() {
    iptables -C INPUT "$@" 2>/dev/null || iptables -A INPUT "$@"
}

# Photon drops what it was not told to let in: the ports of Kubernetes, Weave Net and NFS.
open_firewall() {
    say "opening the firewall"
    local port
    for port in 6443 10250 2379:2380 30000:32767 6783 111 2049 20048; do
        allow -p tcp -m tcp --dport "$port" -j ACCEPT
    done
    for port in 6783:6784 111 2049 20048; do
        allow -p udp -m udp --dport "$port" -j ACCEPT
    done
    iptables -P FORWARD ACCEPT
    mkdir -p /etc/systemd/scripts
    iptables-save >/etc/systemd/scripts/ip4save
}

fetch_cni_manifest() {
    local draft=/etc/cse/cni.yaml.part
    say "fetching $CSE_CNI_MANIFEST"
    mkdir -p /etc/cse
    curl --fail --silent --show-error --location --retry 5 --max-time 300 --output "$draft" "$CSE_CNI_MANIFEST"
    if [[ -n $CNI_SHA256 ]]; then
        echo "$CNI_SHA256  $draft" | sha256sum --check --status || {
            say "the manifest's checksum is not $CNI_SHA256"
            return 1
        }
    fi
    mv "$draft" /etc/cse/cni.yaml
}

main() {
    install_packages
    prepare_kernel
    open_firewall
    systemctl enable --now docker >&2
    systemctl enable kubelet >&2
    kubeadm config images pull --kubernetes-version "v$CSE_KUBERNETES_VERSION" >&2
    fetch_cni_manifest
    say "done: $(kubeadm version -o short), $(docker --version)"
}

main
