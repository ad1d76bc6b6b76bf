#!/bin/sh
# Runs once in the demo's compose project: writes config.yaml for the three services and the key of their operations, and
# installs CSE in the simulated vCD.
set -eu
umask 077
case $DEMO_AMQP_PASSWORD in
  '' | *[!A-Za-z0-9_-]*) echo "DEMO_AMQP_PASSWORD: letters, digits, - and _ only" >&2; exit 2 ;;
esac
config=/etc/cse/config.yaml
sed "s/@AMQP_PASSWORD@/$DEMO_AMQP_PASSWORD/" /demo/config.yaml > "$config.part"
mv "$config.part" "$config"
key=/etc/cse/operations.key
[ -e "$key" ] || { head -c 32 /dev/urandom | base64 | tr +/ -_ > "$key.part" && mv "$key.part" "$key"; }
exec cse install -c "$config" -e config
