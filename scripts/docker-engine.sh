#!/usr/bin/env bash
# A Docker Engine for the container check, on a Debian machine without one (root).
#   scripts/docker-engine.sh start     uses the engine that answers, or installs one with apt and starts it
#   scripts/docker-engine.sh stop      ends the engine that `start` started; any other is left alone
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

state=.cache/docker-engine
engine_pid_file=/var/run/docker.pid

start() {
  install_debian_packages docker-compose:/usr/bin/docker-compose
  if answers; then return; fi
  [ "$(id -u)" = 0 ] || die "no Docker Engine answers, and only root can start one"
  install_debian_packages docker.io:/usr/sbin/dockerd iptables:/usr/sbin/iptables mmdebstrap:/usr/bin/mmdebstrap
  mkdir -p "$state"
  if [ -e "$engine_pid_file" ] && ! is_engine "$(cat "$engine_pid_file")"; then rm -f "$engine_pid_file"; fi
  setsid dockerd > "$state/log" 2>&1 < /dev/null &
  local pid=$! deadline=$((SECONDS + 60))
  echo "$pid" > "$state/pid"
  until answers; do
    is_engine "$pid" || die "dockerd ended; $state/log ends with: $(tail -n 5 "$state/log")"
    [ "$SECONDS" -lt "$deadline" ] || die "dockerd does not answer after 60 s; see $state/log"
    sleep 0.2
  done
  say "started dockerd, pid $pid"
}

stop() {
  [ -e "$state/pid" ] || return 0
  local pid deadline=$((SECONDS + 30))
  pid=$(cat "$state/pid")
  rm -f "$state/pid"
  is_engine "$pid" || return 0
  kill "$pid"
  while is_engine "$pid"; do
    [ "$SECONDS" -lt "$deadline" ] || die "dockerd, pid $pid, does not end; see $state/log"
    sleep 0.2
  done
  say "ended dockerd"
}

answers() { docker info > /dev/null 2>&1; }
is_engine() { [ "$(cat "/proc/$1/comm" 2> /dev/null)" = dockerd ]; }

case ${1:-} in
  start) start ;;
  stop) stop ;;
  *) die "usage: scripts/docker-engine.sh start|stop" ;;
esac
