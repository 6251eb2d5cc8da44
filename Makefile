# kong-waf. `make` alone lists the targets.

GO       ?= go
BIN      := bin/kong-waf
# Ports of `make run`, on 127.0.0.1.
GATEWAY_PORT ?= 8000
DEMO_PORT    ?= 9080
CONSOLE_PORT ?= 9542
# How long each fuzz target runs in `make fuzz`: a number of inputs (5000x) or a time (30s).
FUZZTIME ?= 5000x
# How long `make soak` takes.
SOAKTIME ?= 10m

STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2

.PHONY: help build run run-kong demo-attack test race fuzz check bench chaos soak golden dist dist-check size clean

help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## Build the one binary, bin/kong-waf.
	@CGO_ENABLED=0 $(GO) build -trimpath -ldflags "-s -w" -o $(BIN) ./cmd/kong-waf

run: build ## Try it: demo API, plugin server and stand-in gateway, with commands to try. Ctrl-C ends all.
	@exec $(BIN) demo --listen 127.0.0.1:$(GATEWAY_PORT) --upstream 127.0.0.1:$(DEMO_PORT) --console 127.0.0.1:$(CONSOLE_PORT)

demo-attack: build ## Good and bad requests in each mode: a table of what came of them, and the console. Ctrl-C ends all.
	@exec $(BIN) demo-attack --listen 127.0.0.1:$(GATEWAY_PORT) --upstream 127.0.0.1:$(DEMO_PORT) --console 127.0.0.1:$(CONSOLE_PORT)

test: ## Run every test.
	@$(GO) vet ./...
	@$(GO) test ./...
	@cd manifests && $(GO) test ./...
	@sh .ci/skipped

race: ## Run the tests under the race detector (needs a C compiler).
	@CGO_ENABLED=1 $(GO) test -race -short ./...

fuzz: ## Run every fuzz target for FUZZTIME; FUZZ=kong limits it to folders.
	@GO="$(GO)" FUZZTIME="$(FUZZTIME)" sh .ci/fuzz $(FUZZ)

check: ## What CI runs beside the tests: format, vet, staticcheck, generated files.
	@test -z "$$(gofmt -l .)" || { echo "not formatted:"; gofmt -l .; exit 1; }
	@$(GO) vet ./...
	@GOOS=darwin $(GO) build ./...
	@$(GO) run $(STATICCHECK) ./...
	@$(GO) mod tidy -diff
	@cd bench && $(GO) vet ./... && $(GO) mod tidy -diff
	@cd manifests && $(GO) mod tidy -diff

bench: ## Measure detection beside Coraza and libinjection, plugins beside go-pdk's server, limits on a thousand nodes. DATA=DIR: your requests.
	@cd bench && $(GO) run ./fleet
	@BENCH=1 $(GO) test ./plugins/internal/store -run '^TestBenchRedis$$' -count=1 -v | grep -E '^redis|FAIL|^ok'
	@cd bench && $(GO) run . $(if $(DATA),-data $(abspath $(DATA)))
	@BENCH=1 $(GO) test ./plugins -run '^TestBench$$' -count=1 -timeout 20m -v | grep -E '^bench|FAIL|^ok'

chaos: ## Kill, freeze and upgrade the plugin server under load, and count failed requests.
	@CHAOS=30s $(GO) test ./cmd/kong-waf -run TestChaos -count=1 -timeout 20m -v | grep -E 'failed|FAIL|^ok'
	@SUPERVISOR_TRIALS=full $(GO) test ./kong/supervisor -count=1 -timeout 20m -v | grep -E 'failed|FAIL|^ok'

soak: ## Ten minutes of load with deaths and upgrades: memory and files must not grow.
	@SOAK=$(SOAKTIME) $(GO) test ./kong/supervisor -run TestSoak -count=1 -timeout 60m -v | grep -E 'soak|FAIL|^ok'

golden: ## Rewrite the files that are made from others: schemas, the list of languages, kong.conf, pages.
	@$(GO) test ./detect/attack -run TestAskIsWritten -update
	@$(GO) test ./plugins ./kong/schema -update
	@$(GO) test ./cmd/kong-waf ./detect/attack/preset ./kong/metrics ./kong/events -run PageIsWritten -update
	@text=$$($(GO) run ./cmd/kong-waf config kong.conf) && printf '%s\n' "$$text" >kong/conf/kong.conf

dist: ## Build the release into dist/: for Linux on amd64 and arm64 static binaries, SBOMs, deb, rpm; checksums.
	@GO="$(GO)" sh .ci/dist

dist-check: ## Build the release twice, the second time in another folder with an empty cache: the checksums must agree.
	@GO="$(GO)" sh .ci/dist --check

size: ## Say what the binary is made of.
	@GO="$(GO)" sh .ci/size

run-kong: ## The real Kong, with Redis, Prometheus, Grafana and a demo API, in containers. Needs Docker and docker compose.
	@sh kong/conf/compose/run.sh up

clean: ## Remove what was built.
	@rm -rf bin dist
