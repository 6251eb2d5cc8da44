package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"kongwaf/detect/ratelimit"
	"kongwaf/kong/pluginserver"
	"kongwaf/kong/supervisor"
	"kongwaf/plugins"
)

// runServe is the plugin server that Kong's start_cmd or a service manager starts.
func runServe(args []string, _ io.Reader, _, stderr io.Writer) int {
	flags := flag.NewFlagSet("serve", flag.ContinueOnError)
	flags.SetOutput(stderr)
	socket := flags.String("socket", defaultSocket, "the Unix socket that Kong connects to")
	config := flags.String("config", "", "a YAML file with process-wide settings; each key also as KONG_WAF_SECTION_KEY")
	flags.Usage = func() {
		fmt.Fprintf(stderr, "Usage: kong-waf serve [--socket PATH] [--config FILE]\n\nServes the plugins to Kong: a small supervisor that keeps Kong's connections, and a worker that it\nreplaces when it dies. SIGHUP starts a new worker (new binary, new settings) without a failed request;\nSIGTERM ends both once the events under way have ended.\n\n")
		flags.PrintDefaults()
	}
	if code, stop := parse(flags, args); stop {
		return code
	}
	logger := slog.New(slog.NewJSONHandler(stderr, nil))
	if err := serve(logger, *socket, *config); err != nil {
		fmt.Fprintf(stderr, "kong-waf serve: %v\n", err)
		return 1
	}
	return 0
}

func serve(logger *slog.Logger, socket, config string) error {
	set, err := loadSettings(config, os.Environ())
	if err != nil {
		return err
	}
	if supervisor.IsWorker() {
		return work(logger, &set)
	}
	listener, err := pluginserver.Listen(socket, set.socketMode(), set.Socket.Owner)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	logger.Info("serving", "socket", socket, "version", plugins.Version)
	return supervisor.Run(ctx, supervisor.Options{
		Listener:   listener,
		WorkerArgs: os.Args[1:],
		Plugins:    plugins.All(plugins.NewShared(logger)),
		Limits:     set.serverLimits(),
		SharedSize: ratelimit.Size(set.Limits.Clients),
		Logger:     logger,
	})
}

// work is what the supervisor's child does: it runs the plugins. The memory that the
// counters are in is the supervisor's, and outlives it.
func work(logger *slog.Logger, set *settings) error {
	// A service manager or a terminal signals the whole group; when to stop is the
	// supervisor's to say.
	signal.Ignore(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	worker, err := supervisor.NewWorker()
	if err != nil {
		return err
	}
	shared := plugins.NewShared(logger)
	if shared.Limits, err = ratelimit.Open(worker.Shared(), plugins.Secret()); err != nil {
		return err
	}
	server, err := pluginserver.New(pluginserver.Options{
		Plugins: plugins.All(shared),
		Logger:  logger,
		Limits:  set.serverLimits(),
		Dropped: worker.Dropped,
	})
	if err != nil {
		return err
	}
	return worker.Serve(context.Background(), server)
}
