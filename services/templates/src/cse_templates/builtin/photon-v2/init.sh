#!/bin/bash
# Guest customization of the machine that a template is made from. vCD runs it twice at first boot, with
# `precustomization` before network and password are set, and with `postcustomization` after.
set -euo pipefail

export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

before() {
    # The image asks for a new password at the first login, which would lock out guest operations.
    chage --maxdays 99999 root || true
}

after() {
    systemctl enable --now vmtoolsd || systemctl enable --now open-vm-tools
}

case "${1:-}" in
    precustomization) before ;;
    postcustomization) after ;;
    *)
        echo "usage: $0 precustomization|postcustomization" >&2
        exit 2
        ;;
esac
