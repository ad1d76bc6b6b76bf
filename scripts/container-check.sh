#!/usr/bin/env bash
# Builds the images, starts docker-compose.yml with the profile `demo` and creates a cluster through it with the real
# vcd-cli. Ends and removes whatever it started, the Docker Engine included if it had to start one.
#   scripts/container-check.sh [--keep]     --keep leaves the containers running
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

export COMPOSE_PROJECT_NAME=cse-container-check
export DEMO_PROFILE=instant DEMO_VCD_PORT=${DEMO_VCD_PORT:-0}
keep=no
[ "${1:-}" != --keep ] || keep=yes

main() {
  trap clean_up EXIT
  scripts/docker-engine.sh start
  choose_compose
  compose --profile demo --profile shell down --volumes --remove-orphans > /dev/null 2>&1 || true
  base_image python python:3.11-slim-bookworm
  base_image rabbitmq rabbitmq:3-management
  base_image postgres postgres:15-bookworm
  say "building the images"
  compose --profile demo build --quiet
  say "starting RabbitMQ, PostgreSQL, vCD and the three services"
  compose --profile demo up -d
  wait_for "cse install" install_is_done 180
  local service
  for service in templates clusters gateway; do wait_for "$service to be healthy" "is_healthy $service" 90; done
  vcd login vcd acme alice -i -w -p alice-secret
  create_through_a_crash
  create_a_cluster
  say "clusters were created, inspected and deleted through the containers, one in spite of a crash"
}

# Debian's docker-compose 1.29 and the compose plug-in of docker both read the file.
choose_compose() {
  if docker compose version > /dev/null 2>&1; then
    compose() { docker compose "$@"; }
  else
    export DOCKER_BUILDKIT=0 COMPOSE_DOCKER_CLI_BUILD=0
    compose() { docker-compose "$@"; }
  fi
}

# base_image NAME TAG   uses the image that is there, pulls it, or makes a stand-in where no registry answers.
base_image() {
  docker image inspect "$2" > /dev/null 2>&1 && return
  timeout 120 docker pull --quiet "$2" > /dev/null 2>&1 && return
  say "no registry gives $2; making a stand-in from Debian packages"
  install_debian_packages mmdebstrap:/usr/bin/mmdebstrap
  scripts/local-images.sh "$1"
}

# wait_for WHAT CONDITION SECONDS
wait_for() {
  local deadline=$((SECONDS + $3))
  until $2; do
    [ "$SECONDS" -lt "$deadline" ] || die "waited $3 s in vain for $1"
    sleep 1
  done
}

container() { compose --profile demo ps -q "$1"; }
is_healthy() { [ "$(docker inspect -f '{{.State.Health.Status}}' "$(container "$1")")" = healthy ]; }

install_is_done() {
  [ "$(docker inspect -f '{{.State.Status}} {{.State.ExitCode}}' "$(docker ps -aq \
    --filter "label=com.docker.compose.project=$COMPOSE_PROJECT_NAME" \
    --filter label=com.docker.compose.service=install)")" = "exited 0" ]
}

vcd() { compose --profile shell run --rm -T vcd-cli "$@"; }

create_a_cluster() {
  say "creating a cluster with the real vcd-cli"
  vcd cse cluster create checked -n acme-net -N 2
  expect '^checked ' vcd cse cluster list
  expect 'mstr-[a-z0-9]{4}' vcd cse cluster info checked
  expect '^kind: Config' vcd cse cluster config checked
  vcd cse cluster delete checked --yes
  if vcd cse cluster list | grep -Eq '^checked '; then die "the cluster is still listed after it was deleted"; fi
}

create_through_a_crash() {
  say "creating a cluster while the cluster manager is killed and started again"
  vcd cse cluster create survivor -n acme-net -N 1 &
  local creating=$!
  wait_for "the creation to begin" creation_has_begun 60
  compose --profile demo kill -s KILL clusters
  compose --profile demo up -d --no-deps clusters
  wait "$creating"
  wait_for "the cluster manager to answer again" answers_lists 60
  expect '^survivor ' vcd cse cluster list
  vcd cse cluster delete survivor --yes
}

answers_lists() { vcd cse cluster list > /dev/null; }

creation_has_begun() { compose --profile demo logs clusters | grep step_done | grep compose_vapp > /dev/null; }

# expect REGEX COMMAND…   the command's output must match.
expect() {
  local regex=$1 output
  shift
  output=$("$@")
  printf '%s\n' "$output" | grep -Eq "$regex" || die "\`$*\` printed nothing that matches $regex: $output"
}

clean_up() {
  local code=$?
  if [ "$code" != 0 ] && declare -F compose > /dev/null; then
    say "failed; the containers' last words:"
    compose --profile demo logs --tail 30 >&2 || true
  fi
  if [ "$keep" = no ]; then
    if declare -F compose > /dev/null; then
      compose --profile demo --profile shell down --volumes --remove-orphans > /dev/null 2>&1 || true
    fi
    scripts/docker-engine.sh stop || true
  fi
  exit "$code"
}

main
