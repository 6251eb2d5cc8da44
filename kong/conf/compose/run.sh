#!/bin/sh
# make run-kong: starts compose.yaml, with a token for the console that is made here and stays
# in a folder that git does not see.
#   run.sh up      builds, starts, waits until all is healthy, and says what to try
#   run.sh down    ends it, and removes what it kept
set -eu
here=$(cd "$(dirname "$0")" && pwd)
folder="$here/../../../bin/run-kong"
export KONG_WAF_TOKEN_FILE="$folder/console.token"

fail() {
	echo "make run-kong: $1; make run shows everything without Docker" >&2
	exit 1
}

command -v docker >/dev/null || fail "there is no docker here"
docker compose version >/dev/null 2>&1 || fail "docker has no compose: install Docker's compose plugin, version 2.20 or later"
docker info >/dev/null 2>&1 || fail "no Docker engine answers: start one, or set DOCKER_HOST"

if [ "${1:-up}" = down ]; then
	exec docker compose -f "$here/compose.yaml" down --volumes
fi
# The folder keeps others out; in the containers two users read the file.
mkdir -p "$folder"
chmod 700 "$folder"
if [ ! -s "$KONG_WAF_TOKEN_FILE" ]; then
	od -An -N24 -tx1 /dev/urandom | tr -d ' \n' >"$KONG_WAF_TOKEN_FILE"
fi
chmod 644 "$KONG_WAF_TOKEN_FILE"
docker compose -f "$here/compose.yaml" build kong
docker compose -f "$here/compose.yaml" up --detach --wait
cat <<END

A good request: 200
  curl -i http://127.0.0.1:8000/api/users -H 'apikey: demo-key'
An attack: 403 Request blocked
  curl -i -G http://127.0.0.1:8000/api/users -H 'apikey: demo-key' --data-urlencode "name=' OR 1=1 -- "

Console:    http://127.0.0.1:9542  (any name; the password is in bin/run-kong/console.token)
Prometheus: http://127.0.0.1:9090
Grafana:    http://127.0.0.1:3000
The end:    sh kong/conf/compose/run.sh down
END
