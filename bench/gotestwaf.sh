#!/bin/sh
# Runs GoTestWAF, offline, through the stand-in gateway with waf-detect on the only route, and
# prints its scores. GoTestWAF comes through the Go module system and is built once.
set -eu
cd "$(dirname "$0")/.."
version=v0.5.8
dir=${GOTESTWAF_DIR:-${TMPDIR:-/tmp}/kong-waf-gotestwaf-$version}
port=${GATEWAY_PORT:-8200}
demo=${DEMO_PORT:-8201}

if [ ! -x "$dir/gotestwaf" ]; then
	echo "building GoTestWAF $version in $dir ..." >&2
	module=$(go mod download -json "github.com/wallarm/gotestwaf@$version" | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')
	mkdir -p "$dir"
	cp -r "$module/." "$dir"
	chmod -R u+w "$dir"
	(cd "$dir" && go build -o gotestwaf ./cmd/gotestwaf)
fi
make --no-print-directory build
bin/kong-waf demo --listen "127.0.0.1:$port" --upstream "127.0.0.1:$demo" --config bench/gotestwaf.yml >"$dir/gateway.log" 2>&1 &
gateway=$!
trap 'kill $gateway 2>/dev/null; wait $gateway 2>/dev/null || true' EXIT
for _ in $(seq 50); do
	grep -q '^ready' "$dir/gateway.log" && break
	sleep 0.1
done
cd "$dir"
rm -rf reports
./gotestwaf --url "http://127.0.0.1:$port/" --graphqlURL "http://127.0.0.1:$port/graphql" --grpcPort "$port" \
	--skipWAFIdentification --noEmailReport --reportFormat=json --reportName=report --reportPath=reports \
	--sendDelay 0 --randomDelay 1 --workers 4 --includePayloads --quiet "$@" || { cat gateway.log >&2; exit 1; }
python3 - <<'P' 2>/dev/null || cat reports/report.json
import json
r = json.load(open("reports/report.json"))
attacks, texts = (r["summary"][k + "_tests"] for k in ("true_positive", "true_negative"))
print("score", r["score"], " attacks blocked", attacks["score"], " texts passed", texts["score"])
for kind in ("app_sec", "api_sec"):
    sums = attacks[kind]
    print(kind, "sent", sums["total_sent"], "blocked", sums["blocked_tests"], "bypassed", sums["bypassed_tests"], "unresolved", sums["unresolved_tests"])
bypassed = r.get("true_positive_tests_payloads", {}).get("bypassed") or []
for row in sorted({(p["test_case"], p["payload"][:100]) for p in bypassed}):
    print("bypassed", *map(repr, row))
P
