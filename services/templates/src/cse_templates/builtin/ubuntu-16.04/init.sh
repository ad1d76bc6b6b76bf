#!/bin/bash
# Guest customization of the machine that a template is made from. vCD runs it twice at first boot, with
# `precustomization` before network and password are set, and with `postcustomization` after.
set -euo pipefail

export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive

before() {
    # cloud-init would undo what vCD sets, and unattended upgrades would hold the lock of the package manager.
    mkdir -p /etc/cloud
    touch /etc/cloud/cloud-init.disabled
    systemctl disable --now apt-daily.timer apt-daily-upgrade.timer unattended-upgrades.service || true
    # The image knows its first network card by names of its own making; vCD configures eth0.
    if [[ -e /etc/default/grub ]] && ! grep -q 'net.ifnames=0' /etc/default/grub; then
        sed -i -E 's/^(GRUB_CMDLINE_LINUX=")(.*)"$/\1\2 net.ifnames=0 biosdevname=0"/' /etc/default/grub
        update-grub
    fi
}

after() {
    systemctl enable --now open-vm-tools
    # The image has no keys of its own yet, and every machine made from the template shall have its own.
    ssh-keygen -A
}

case "${1:-}" in
    precustomization) before ;;
    postcustomization) after ;;
    *)
        echo "usage: $0 precustomization|postcustomization" >&2
        exit 2
        ;;
esac
