docker build -f kong/conf/Dockerfile -t kong-waf:0.1.0 .
docker run --detach --name kong --read-only --cap-drop ALL --security-opt no-new-privileges \
  --tmpfs /kong_prefix:mode=1777 --tmpfs /run/kong-waf:mode=1777 --tmpfs /tmp \
  -p 8000:8000 -v "$PWD/examples/deck/waf-gate.yml:/kong.yml:ro" \
  -e KONG_PREFIX=/kong_prefix -e KONG_DATABASE=off -e KONG_DECLARATIVE_CONFIG=/kong.yml \
  -e KONG_WAF_EVENTS_STDOUT=true kong-waf:0.1.0
docker exec kong kong-waf doctor --admin http://127.0.0.1:8001
docker logs kong
