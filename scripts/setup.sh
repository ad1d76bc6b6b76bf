#!/usr/bin/env bash
# Prepares this checkout for work: Debian packages (installed with apt when root, named otherwise), a virtual environment
# in .venv with everything that constraints.txt pins, and the members of the workspace. Does nothing when nothing changed.
#   PYTHON=/path/to/python3.12 scripts/setup.sh      chooses the interpreter (3.11 or newer)
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

main() {
  install_debian_packages rabbitmq-server:/usr/sbin/rabbitmq-server bubblewrap:/usr/bin/bwrap \
    postgresql:/usr/lib/postgresql
  local python stamp
  python=$(find_python)
  stamp=$(fingerprint "$python")
  if [ "$(cat .venv/.stamp 2> /dev/null)" = "$stamp" ] && .venv/bin/python -c '' 2> /dev/null; then return; fi
  say "installing the Python packages into .venv"
  create_environment "$python"
  .venv/bin/python -m pip install --quiet --require-hashes -r constraints.txt
  .venv/bin/python -m pip install --quiet --no-deps --no-build-isolation -r requirements-dev.txt
  printf '%s\n' "$stamp" > .venv/.stamp
}

# Prints an interpreter of at least 3.11.
find_python() {
  local candidate
  for candidate in ${PYTHON:+"$PYTHON"} python3 python3.11 python3.12 python3.13 python3.14; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null; then
      command -v "$candidate"
      return
    fi
  done
  die "Python 3.11 or newer is needed (Debian 12: apt-get install python3 python3-venv)"
}

# Whatever the environment depends on: the interpreter, the pins, the members' metadata.
fingerprint() {
  { "$1" -VV; cat constraints.txt requirements-dev.txt pyproject.toml ./*/pyproject.toml ./*/*/pyproject.toml; pwd; } |
    sha256sum | cut -d' ' -f1
}

create_environment() {
  [ ! -x .venv/bin/python ] || .venv/bin/python -c 'import pip' 2> /dev/null || rm -rf .venv
  [ ! -x .venv/bin/python ] || return 0
  "$1" -c 'import ensurepip' 2> /dev/null || install_debian_packages "python3-venv:/nonexistent"
  "$1" -m venv .venv
}

main "$@"
