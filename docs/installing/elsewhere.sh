kong-waf doctor --offline --kong-conf kong/conf/kong.conf --deck examples/deck/waf-gate.yml --format json
