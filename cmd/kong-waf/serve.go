package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"syscall"

	"kongwaf/detect/ratelimit"
	"kongwaf/kong/console"
	"kongwaf/kong/pluginserver"
	"kongwaf/kong/supervisor"
	"kongwaf/plugins"
)

// runServe is the plugin server that Kong's start_cmd or a service manager starts.
func runServe(args []string, _ io.Reader, _, stderr io.Writer) int {
	flags := flag.NewFlagSet("serve", flag.ContinueOnError)
	flags.SetOutput(stderr)
	options := addServeFlags(flags)
	flags.Usage = func() {
		fmt.Fprintf(stderr, "Usage: kong-waf serve [--socket PATH] [--console ADDR|off] [--config FILE]\n\nServes the plugins to Kong: a small supervisor that keeps Kong's connections, and a worker that it\nreplaces when it dies. SIGHUP starts a new worker (new binary, new settings) without a failed request;\nSIGTERM ends both once the events under way have ended.\n\n")
		flags.PrintDefaults()
	}
	if code, stop := parse(flags, args); stop {
		return code
	}
	logger := slog.New(slog.NewJSONHandler(stderr, nil))
	if err := serve(logger, *options); err != nil {
		fmt.Fprintf(stderr, "kong-waf serve: %v\n", err)
		return 1
	}
	return 0
}

// serveOptions are the flags of serve.
type serveOptions struct{ socket, config, console string }

func addServeFlags(flags *flag.FlagSet) *serveOptions {
	o := new(serveOptions)
	flags.StringVar(&o.socket, "socket", defaultSocket, "the Unix socket that Kong connects to")
	flags.StringVar(&o.config, "config", "", "a YAML file with process-wide settings; each key also as KONG_WAF_SECTION_KEY")
	flags.StringVar(&o.console, "console", "", "address of /healthz and /def-healthz, such as 127.0.0.1:9542; off is the default")
	return o
}

// args are the flags again, for another process.
func (o serveOptions) args() []string {
	return []string{"--socket", o.socket, "--config", o.config, "--console", o.console}
}

func serve(logger *slog.Logger, options serveOptions) error {
	set, err := loadSettings(options.config, os.Environ())
	if err != nil {
		return err
	}
	if options.console != "" {
		set.Console.Listen = options.console
	}
	if supervisor.IsWorker() {
		return work(logger, &set)
	}
	socket, err := pluginserver.Listen(options.socket, set.socketMode(), set.Socket.Owner)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	logger.Info("serving", "socket", socket.Path(), "version", plugins.Version)
	s, err := supervisor.New(supervisor.Options{
		Socket:     socket,
		WorkerArgs: os.Args[1:],
		Plugins:    plugins.All(plugins.NewShared(logger)),
		Limits:     set.serverLimits(),
		SharedSize: ratelimit.Size(set.Limits.Clients),
		Logger:     logger,
	})
	if err != nil {
		return err
	}
	if err := startConsole(logger, set.Console.Listen, s); err != nil {
		return err
	}
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	go func() {
		for range hangups {
			s.Upgrade()
		}
	}()
	return s.Run(ctx)
}

// startConsole shows the supervisor's health. It ends with the process.
func startConsole(logger *slog.Logger, listen string, s *supervisor.Supervisor) error {
	if listen == "off" {
		return nil
	}
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return fmt.Errorf("console.listen: %w", err)
	}
	logger.Info("console", "address", "http://"+listener.Addr().String())
	health := func() error {
		switch stats := s.Stats(); {
		case stats.Lost != nil:
			return stats.Lost
		case stats.Fallback:
			return errors.New("workers keep dying: every request is answered by its plugin's failure policy")
		case stats.Worker == 0:
			return errors.New("no worker serves yet")
		}
		return nil
	}
	go func() {
		if err := console.Serve(listener, console.Handler(health)); err != nil {
			logger.Error("the console has ended", "error", err)
		}
	}()
	return nil
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
