#!/usr/bin/env bash
# Local stand-ins for the base images that our Dockerfiles and compose file name, built from Debian packages only, for machines
# that have a Docker Engine but reach no image registry. They carry the same tags, so nothing else needs to know.
#   local-images.sh [python] [rabbitmq] [postgres] [--force]      (root, mmdebstrap, docker; about a minute each, cached)
# Tags can be changed: PYTHON_TAG, RABBITMQ_TAG, POSTGRES_TAG. Cache: $LOCAL_IMAGES_CACHE (default ~/.cache/local-images).
# shellcheck disable=SC2016  # the hooks expand $1 themselves: it is the root of the new file system
set -euo pipefail
: "${PYTHON_TAG:=python:3.11-slim-bookworm}" "${RABBITMQ_TAG:=rabbitmq:3-management}" "${POSTGRES_TAG:=postgres:15-bookworm}"
W=${LOCAL_IMAGES_CACHE:-$HOME/.cache/local-images}; mkdir -p "$W"
die() { echo "local-images: $*" >&2; exit 1; }
command -v mmdebstrap > /dev/null || die "apt-get install -y mmdebstrap"
docker info > /dev/null 2>&1 || die "no Docker Engine answers: apt-get install -y docker.io iptables, then start dockerd"
want=() force=0
for a in "$@"; do case $a in --force) force=1 ;; python|rabbitmq|postgres) want+=("$a") ;; *) die "unknown argument $a" ;; esac; done
[ ${#want[@]} -gt 0 ] || want=(python rabbitmq postgres)
ca=${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}        # what this machine trusts, the image trusts

trim=(--dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/doc/*'
      --dpkgopt='path-include=/usr/share/doc/*/copyright' --aptopt='APT::Install-Recommends "false"')
clean='rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/* "$1"/var/log/apt "$1"/var/log/dpkg.log'
common=(--change 'ENV LANG=C.UTF-8' --change 'ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt'
        --change 'ENV REQUESTS_CA_BUNDLE=/etc/ssl/certs/ca-certificates.crt' --change 'ENV PIP_CERT=/etc/ssl/certs/ca-certificates.crt')

rootfs() {      # NAME PACKAGES HOOK…
  local name=$1 packages=$2 hooks=(); shift 2
  [ $force = 1 ] || [ ! -s "$W/$name.tar" ] || return 0
  for hook in "$@"; do hooks+=(--customize-hook="$hook"); done
  mmdebstrap --quiet --variant=minbase --mode=root --components=main "${trim[@]}" --include="$packages" "${hooks[@]}" \
    --customize-hook="copy-in $ca /etc/ssl/certs" --customize-hook="$clean" --format=tar bookworm "$W/$name.part.tar"
  mv "$W/$name.part.tar" "$W/$name.tar"
}
import() {      # NAME TAG CHANGE…
  local name=$1 tag=$2; shift 2
  docker import "${common[@]}" "$@" "$W/$name.tar" "$tag" > /dev/null
  echo "$tag: $(docker image inspect -f '{{.Size}}' "$tag" | awk '{printf "%d MB", $1/1e6}')"
}

# The entry points do what the registry images' do: the first start makes the user, password and database from the environment.
cat > "$W/rabbitmq-entrypoint.sh" <<'SH'
#!/bin/sh
set -e
if [ -n "$RABBITMQ_DEFAULT_USER$RABBITMQ_DEFAULT_PASS$RABBITMQ_DEFAULT_VHOST" ]; then
  conf=/var/lib/rabbitmq/20-user.conf
  { [ -z "$RABBITMQ_DEFAULT_USER" ] || echo "default_user = $RABBITMQ_DEFAULT_USER"
    [ -z "$RABBITMQ_DEFAULT_PASS" ] || echo "default_pass = $RABBITMQ_DEFAULT_PASS"
    [ -z "$RABBITMQ_DEFAULT_VHOST" ] || echo "default_vhost = $RABBITMQ_DEFAULT_VHOST"
    cat /etc/rabbitmq/conf.d/*.conf; } > "$conf"
  export RABBITMQ_CONFIG_FILE="$conf"
fi
if [ "$1" = rabbitmq-server ]; then shift; export detached=1; exec /usr/lib/rabbitmq/bin/rabbitmq-server "$@"; fi
exec "$@"
SH
cat > "$W/postgres-entrypoint.sh" <<'SH'
#!/bin/sh
set -e
: "${PGDATA:=/var/lib/postgresql/data}" "${POSTGRES_USER:=postgres}"; : "${POSTGRES_DB:=$POSTGRES_USER}"
[ -z "$POSTGRES_PASSWORD_FILE" ] || POSTGRES_PASSWORD=$(cat "$POSTGRES_PASSWORD_FILE")
if [ "$1" = postgres ] && [ ! -s "$PGDATA/PG_VERSION" ]; then
  [ -n "$POSTGRES_PASSWORD" ] || { echo "POSTGRES_PASSWORD is not set" >&2; exit 1; }
  pw=$(mktemp); printf '%s\n' "$POSTGRES_PASSWORD" > "$pw"
  initdb -D "$PGDATA" -U "$POSTGRES_USER" --pwfile="$pw" --auth-host=scram-sha-256 --auth-local=trust -E UTF8 --locale=C.UTF-8 > /dev/null; rm -f "$pw"
  echo "host all all all scram-sha-256" >> "$PGDATA/pg_hba.conf"
  if [ "$POSTGRES_DB" != postgres ]; then
    pg_ctl -D "$PGDATA" -o "-c listen_addresses='' -k /tmp" -w start > /dev/null
    createdb -U "$POSTGRES_USER" "$POSTGRES_DB"; pg_ctl -D "$PGDATA" -m fast -w stop > /dev/null
  fi
fi
if [ "$1" = postgres ]; then shift; exec postgres -D "$PGDATA" -c listen_addresses='*' -k /tmp "$@"; fi
exec "$@"
SH

for image in "${want[@]}"; do case $image in
  python)
    rootfs python311 python3.11,python3,python3-venv,python3-pip,ca-certificates \
      'rm -f "$1"/usr/lib/python3*/EXTERNALLY-MANAGED' \
      'ln -sf /usr/bin/python3 "$1"/usr/local/bin/python; ln -sf /usr/bin/python3 "$1"/usr/local/bin/python3; ln -sf /usr/bin/pip3 "$1"/usr/local/bin/pip'
    import python311 "$PYTHON_TAG" --change 'CMD ["python3"]' ;;
  rabbitmq)
    rootfs rabbitmq rabbitmq-server,ca-certificates \
      'printf "[rabbitmq_management].\n" > "$1"/etc/rabbitmq/enabled_plugins' \
      'mkdir -p "$1"/etc/rabbitmq/conf.d; printf "loopback_users = none\nlog.console = true\nlog.file = false\n" > "$1"/etc/rabbitmq/conf.d/10-defaults.conf' \
      "copy-in $W/rabbitmq-entrypoint.sh /usr/local/bin" 'chmod 755 "$1"/usr/local/bin/rabbitmq-entrypoint.sh'
    import rabbitmq "$RABBITMQ_TAG" --change 'USER rabbitmq' --change 'ENV HOME=/var/lib/rabbitmq' --change 'ENV RABBITMQ_NODENAME=rabbit@localhost' \
      --change 'ENV PATH=/usr/lib/rabbitmq/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
      --change 'EXPOSE 5672 15672' --change 'VOLUME /var/lib/rabbitmq' --change 'ENTRYPOINT ["rabbitmq-entrypoint.sh"]' --change 'CMD ["rabbitmq-server"]' ;;
  postgres)
    rootfs postgres postgresql-15,ca-certificates \
      'mkdir -p "$1"/var/lib/postgresql/data; chroot "$1" chown -R postgres:postgres /var/lib/postgresql; rm -rf "$1"/var/lib/postgresql/15' \
      "copy-in $W/postgres-entrypoint.sh /usr/local/bin" 'chmod 755 "$1"/usr/local/bin/postgres-entrypoint.sh'
    import postgres "$POSTGRES_TAG" --change 'USER postgres' --change 'ENV PGDATA=/var/lib/postgresql/data' --change 'ENV PGHOST=/tmp' \
      --change 'ENV PATH=/usr/lib/postgresql/15/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
      --change 'EXPOSE 5432' --change 'VOLUME /var/lib/postgresql/data' --change 'ENTRYPOINT ["postgres-entrypoint.sh"]' --change 'CMD ["postgres"]' ;;
esac; done
