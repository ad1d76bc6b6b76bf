#!/bin/bash
# Makes this machine the NFS server of a cluster: /home is exported, on a disk of its own if one is named.
# Running it again changes nothing, and never touches a disk that holds a file system.
set -euo pipefail

: "${CSE_NODE_NAME:?}"
readonly DISK=${CSE_NFS_DISK:-} SHARE=/home
readonly EXPORT="$SHARE *(rw,sync,no_root_squash,no_subtree_check)"

# Programs started through VMware Tools find a bare environment.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root

say() {
    echo "nfsd: $*" >&2
}

mount_disk() {
    local uuid
    [[ -b $DISK ]] || {
        say "CSE_NFS_DISK: there is no disk $DISK"
        return 1
    }
    if ! blkid "$DISK" >/dev/null; then
        say "making a file system on $DISK"
        mkfs.ext4 -q "$DISK" >&2
    fi
    uuid=$(blkid -s UUID -o value "$DISK")
    if ! grep -q "^UUID=$uuid " /etc/fstab 2>/dev/null; then
        echo "UUID=$uuid $SHARE ext4 defaults 0 2" >>/etc/fstab
    fi
    mkdir -p "$SHARE"
    mountpoint -q "$SHARE" || mount "$SHARE" >&2
}

export_share() {
    mkdir -p "$SHARE"
    if ! grep -qxF "$EXPORT" /etc/exports 2>/dev/null; then
        echo "$EXPORT" >>/etc/exports
    fi
    systemctl enable --now rpcbind nfs-server >&2
    exportfs -ra >&2
}

main() {
    if [[ -n $DISK ]]; then
        mount_disk
    fi
    export_share
    say "$CSE_NODE_NAME exports $SHARE"
}

main
