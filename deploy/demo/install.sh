#!/bin/sh
# Runs once in the demo's compose project: writes config.yaml for the three services and installs CSE in the simulated vCD.
set -eu
umask 077
case $DEMO_AMQP_PASSWORD in
  '' | *[!A-Za-z0-9_-]*) echo "DEMO_AMQP_PASSWORD: letters, digits, - and _ only" >&2; exit 2 ;;
esac
config=/etc/cse/config.yaml
sed "s/@AMQP_PASSWORD@/$DEMO_AMQP_PASSWORD/" /demo/config.yaml > "$config.part"
mv "$config.part" "$config"
exec cse install -c "$config" -e config
