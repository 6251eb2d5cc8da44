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
	"time"

	"kongwaf/kong/pluginserver"
	"kongwaf/plugins"
)

// drainTime is how long events under way may take to end when the server stops.
const drainTime = 10 * time.Second

// runServe is the plugin server that Kong's start_cmd or a service manager starts.
func runServe(args []string, _ io.Reader, _, stderr io.Writer) int {
	flags := flag.NewFlagSet("serve", flag.ContinueOnError)
	flags.SetOutput(stderr)
	socket := flags.String("socket", defaultSocket, "the Unix socket that Kong connects to")
	config := flags.String("config", "", "a YAML file with process-wide settings; each key also as KONG_WAF_SECTION_KEY")
	flags.Usage = func() {
		fmt.Fprintf(stderr, "Usage: kong-waf serve [--socket PATH] [--config FILE]\n\nServes the plugins to Kong. SIGTERM ends it once the events under way have ended.\n")
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
	server, err := pluginserver.New(pluginserver.Options{
		Plugins: plugins.All(plugins.NewShared(logger)),
		Logger:  logger,
		Limits:  set.serverLimits(),
	})
	if err != nil {
		return err
	}
	listener, err := pluginserver.Listen(socket, set.socketMode(), set.Socket.Owner)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	logger.Info("serving", "socket", socket, "version", plugins.Version)
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	return server.Shutdown(drain)
}
