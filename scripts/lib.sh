# shellcheck shell=bash
# Functions that the scripts of this directory share; sourced, not run.

say() { printf '%s: %s\n' "$(basename "$0" .sh)" "$*" >&2; }
die() { say "$*"; exit 1; }

# install_debian_packages PACKAGE:FILE…   installs the packages whose file is missing; no service is started by that.
install_debian_packages() {
  local pair missing=()
  for pair in "$@"; do [ -e "${pair#*:}" ] || missing+=("${pair%%:*}"); done
  [ ${#missing[@]} -gt 0 ] || return 0
  command -v apt-get > /dev/null || die "please install: ${missing[*]}"
  [ "$(id -u)" = 0 ] || die "please install as root: apt-get install -y ${missing[*]}"
  say "installing ${missing[*]} with apt"
  (
    # policy-rc.d keeps the packages from starting their system-wide services; ours only, and only meanwhile.
    policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then
      trap 'rm -f "$policy"' EXIT
      printf '#!/bin/sh\nexit 101\n' > "$policy"
      chmod 755 "$policy"
    fi
    export DEBIAN_FRONTEND=noninteractive
    apt-get -qq update
    apt-get -qq -y install --no-install-recommends "${missing[@]}" > /dev/null
  ) || die "apt could not install ${missing[*]}; its messages above say why"
}
