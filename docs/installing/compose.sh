make run-kong
docker compose -f kong/conf/compose/compose.yaml exec kong kong-waf doctor --admin http://127.0.0.1:8001
sh kong/conf/compose/run.sh down
