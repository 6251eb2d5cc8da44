kong-waf validate examples/deck/waf-gate.yml
deck gateway ping
deck gateway diff examples/deck/waf-gate.yml
deck gateway sync examples/deck/waf-gate.yml
kong-waf doctor --deck examples/deck/waf-gate.yml
