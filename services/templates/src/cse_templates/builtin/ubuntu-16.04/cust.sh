#!/bin/bash
# Installs Docker, Kubernetes and an NFS server on Ubuntu, and fetches the container network's manifest.
# Runs once while the template is built, and again harmlessly if the build is continued.
set -euo pipefail

: "${CSE_KUBERNETES_PACKAGE:?}" "${CSE_KUBERNETES_VERSION:?}" "${CSE_KUBERNETES_REPOSITORY:?}"
: "${CSE_RUNTIME_PACKAGE:?}" "${CSE_RUNTIME_REPOSITORY:?}" "${CSE_CNI_MANIFEST:?}"
readonly CNI_SHA256=${CSE_CNI_SHA256:-}
readonly DOCKER_KEY=9DC858229FC7DD38854AE2D88D81803C0EBFCD88

# Programs started through VMware Tools find a bare environment.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root DEBIAN_FRONTEND=noninteractive

say() {
    echo "cust: $*" >&2
}

fetch() {
    curl --fail --silent --show-error --location --retry 5 --max-time 300 --output "$2" "$1"
}

install_tools() {
    say "installing tools"
    apt-get -q update >&2
    apt-get -q -y install apt-transport-https ca-certificates curl ebtables ethtool nfs-kernel-server rpcbind socat >&2
}

add_repositories() {
    say "adding repositories"
    local keys
    keys=$(mktemp -d)
    fetch "$CSE_RUNTIME_REPOSITORY/gpg" "$keys/docker"
    # Whoever answers for the repository must show the key that Docker has published.
    gpg --with-colons --with-fingerprint "$keys/docker" 2>/dev/null | grep "^fpr:.*:$DOCKER_KEY:" >/dev/null || {
        say "the key of $CSE_RUNTIME_REPOSITORY is not Docker's"
        return 1
    }
    apt-key add "$keys/docker" >&2
    fetch "$CSE_KUBERNETES_REPOSITORY/doc/apt-key.gpg" "$keys/kubernetes"
    apt-key add "$keys/kubernetes" >&2
    rm -r "$keys"
    echo "deb [arch=amd64] $CSE_RUNTIME_REPOSITORY xenial stable" >/etc/apt/sources.list.d/docker.list
    echo "deb [arch=amd64] $CSE_KUBERNETES_REPOSITORY kubernetes-xenial main" >/etc/apt/sources.list.d/kubernetes.list
    apt-get -q update >&2
}

install_packages() {
    say "installing packages"
    local packages=(
        "docker-ce=$CSE_RUNTIME_PACKAGE"
        "kubelet=$CSE_KUBERNETES_PACKAGE"
        "kubeadm=$CSE_KUBERNETES_PACKAGE"
        "kubectl=$CSE_KUBERNETES_PACKAGE"
    )
    apt-mark unhold docker-ce kubelet kubeadm kubectl >&2
    apt-get -q -y --allow-downgrades install "${packages[@]}" >&2
    # A security update must not change the version of a running cluster.
    apt-mark hold docker-ce kubelet kubeadm kubectl >&2
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

fetch_cni_manifest() {
    local draft=/etc/cse/cni.yaml.part
    say "fetching $CSE_CNI_MANIFEST"
    mkdir -p /etc/cse
    fetch "$CSE_CNI_MANIFEST" "$draft"
    if [[ -n $CNI_SHA256 ]]; then
        echo "$CNI_SHA256  $draft" | sha256sum --check --status || {
            say "the manifest's checksum is not $CNI_SHA256"
            return 1
        }
    fi
    mv "$draft" /etc/cse/cni.yaml
}

main() {
    install_tools
    add_repositories
    install_packages
    prepare_kernel
    systemctl enable --now docker >&2
    systemctl enable kubelet >&2
    kubeadm config images pull --kubernetes-version "v$CSE_KUBERNETES_VERSION" >&2
    fetch_cni_manifest
    say "done: $(kubeadm version -o short), $(docker --version)"
}

main
