package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"sync"
	"syscall"
	"time"

	"kongwaf/detect/ratelimit"
	"kongwaf/detect/reputation"
	"kongwaf/kong/events"
	"kongwaf/kong/metrics"
	"kongwaf/kong/pluginserver"
	"kongwaf/kong/supervisor"
	"kongwaf/plugins"
)

const serveHelp = `Usage: kong-waf serve [--socket PATH] [--console ADDR|off] [--config FILE]

Serves the plugins to Kong: a small supervisor that keeps Kong's connections, and a worker that it
replaces when it dies. SIGHUP starts a new worker (new binary, new settings) without a failed request;
SIGTERM ends both once the events under way have ended.
`

// runServe is the plugin server that Kong's start_cmd or a service manager starts.
func runServe(args []string, _ io.Reader, _, stderr io.Writer) int {
	flags := newFlags("serve", serveHelp, stderr)
	options := addServeFlags(flags)
	withoutSettings := flags.Usage
	flags.Usage = func() {
		withoutSettings()
		printSettings(stderr)
	}
	if code, stop := parse(flags, args, noOperands); stop {
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
	flags.StringVar(&o.socket, "socket", defaultSocket, "`PATH` of the Unix socket that Kong connects to")
	flags.StringVar(&o.config, "config", "", "a YAML `FILE` with settings of the process")
	flags.StringVar(&o.console, "console", "", "`ADDR` of the console (health, metrics, dashboard), or off; goes before console.listen")
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
	if err := set.validate(); err != nil {
		return err
	}
	if err := set.Admin.apply(plugins.NewShared(logger)); err != nil {
		return err
	}
	switch {
	case supervisor.IsAside():
		return runAside(logger, &set, options.socket)
	case supervisor.IsWorker():
		return work(logger, &set, options.socket)
	}
	socket, err := pluginserver.Listen(options.socket, set.socketMode(), set.Socket.Owner)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	logger.Info("serving", "socket", socket.Path(), "version", plugins.Version)
	var numbers *metrics.Table // in the supervisor's memory
	s, err := supervisor.New(supervisor.Options{
		Socket:     socket,
		WorkerArgs: os.Args[1:],
		Aside:      set.Events.any() || set.Console.Listen != "off" || set.Reputation.any() || set.Redis.Address != "",
		Plugins:    plugins.All(plugins.NewShared(logger)),
		Limits:     set.serverLimits(),
		SharedSize: sharedSize(set.Limits.Clients),
		Failed: func(plugin, why string, policy pluginserver.Policy) {
			countFailure(numbers, plugin, why, policy)
		},
		Logger: logger,
	})
	if errors.Is(err, errors.ErrUnsupported) {
		logger.Warn("this system has no supervisor: a fault that ends the process ends every check, and there is no console, no metrics, no event but in this log; Linux has them all", "system", runtime.GOOS)
		return serveAlone(ctx, logger, &set, socket)
	}
	if err != nil {
		return err
	}
	if numbers, err = metrics.Open(sharedNumbers(s.Shared())); err != nil {
		return err
	}
	done := make(chan struct{})
	defer close(done)
	go publish(numbers, s, done)
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	go func() {
		for range hangups {
			s.Upgrade()
		}
	}()
	return s.Run(ctx)
}

// serveAlone runs the plugins in this process, until ctx is done and what is under way has
// ended.
func serveAlone(ctx context.Context, logger *slog.Logger, set *settings, socket *pluginserver.Socket) error {
	shared := plugins.NewShared(logger)
	defer shared.Stores.GiveBack()
	shared.Node = set.Events.node()
	shared.Sources.Folder = set.Data.folder(socket.Path())
	if err := set.Admin.apply(shared); err != nil {
		return err
	}
	publishKeys(ctx, shared)
	shared.Reputation = reputation.New(listedClients, plugins.Secret())
	keeper, err := set.keeper(logger, shared.Reputation, shared.Metrics, set.Data.folder(socket.Path()), nil)
	if err != nil {
		return err
	}
	shared.Events = keeper.Recorder(shared.Events)
	keeping, stop := context.WithCancel(ctx)
	var kept sync.WaitGroup
	kept.Go(func() { keeper.Run(keeping) })
	defer kept.Wait()
	defer stop()
	server, err := pluginserver.New(pluginserver.Options{Plugins: plugins.All(shared), Logger: logger, Limits: set.serverLimits()})
	if err != nil {
		return err
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(socket) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	const patience = 10 * time.Second
	ending, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return server.Shutdown(ending)
}

// work is what the supervisor's child does: it runs the plugins. The memory that the
// counters are in is the supervisor's, and outlives it.
func work(logger *slog.Logger, set *settings, socket string) error {
	// A service manager or a terminal signals the whole group; when to stop is the
	// supervisor's to say.
	signal.Ignore(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	worker, err := supervisor.NewWorker()
	if err != nil {
		return err
	}
	shared := plugins.NewShared(logger)
	defer shared.Stores.GiveBack() // what this node holds of the fleet's limits
	if shared.Limits, err = ratelimit.Open(sharedLimits(worker.Shared()), plugins.Secret()); err != nil {
		return err
	}
	if shared.Reputation, err = reputation.Read(sharedReputation(worker.Shared()), plugins.Secret()); err != nil {
		return err
	}
	numbers, err := metrics.Open(sharedNumbers(worker.Shared()))
	if err != nil {
		return err
	}
	shared.Metrics, shared.Node = numbers, set.Events.node()
	shared.Sources.Folder = set.Data.folder(socket)
	if err := set.Admin.apply(shared); err != nil {
		// A worker that does not start makes all requests fail; one that lacks this, those
		// whose key is only there.
		logger.Error("Kong's own credentials are not read", "error", err)
	}
	publishKeys(context.Background(), shared)
	if aside := worker.Aside(); aside != nil {
		sender := events.NewSender(aside, func() { numbers.Number(metrics.EventsDropped, "worker").Add(1) })
		shared.Events = sender
		defer func() {
			// What is queued is sent if somebody reads.
			_ = aside.SetWriteDeadline(time.Now().Add(time.Second))
			sender.Close()
		}()
	}
	server, err := pluginserver.New(pluginserver.Options{
		Plugins: plugins.All(shared),
		Logger:  logger,
		Limits:  set.serverLimits(),
		Dropped: worker.Dropped,
		Failed: func(plugin, why string, policy pluginserver.Policy) {
			countFailure(numbers, plugin, why, policy)
		},
		Compiled: func(plugin, entity string, err error) {
			numbers.Number(metrics.ConfigInvalid, plugin, entity).Set(uint64(number(err != nil)))
		},
	})
	if err != nil {
		return err
	}
	return worker.Serve(context.Background(), server)
}
