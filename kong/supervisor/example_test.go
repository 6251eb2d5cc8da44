//go:build linux

package supervisor_test

import (
	"context"
	"log"
	"os/signal"
	"syscall"

	"kongwaf/kong/pluginserver"
	"kongwaf/kong/supervisor"
)

// One program is both: the supervisor starts it again, with the arguments given, and
// IsWorker tells it apart.
func ExampleRun() {
	var plugins []pluginserver.Plugin

	if supervisor.IsWorker() {
		worker, err := supervisor.NewWorker()
		if err != nil {
			log.Fatal(err)
		}
		// Counters that must survive live in worker.Shared().
		server, err := pluginserver.New(pluginserver.Options{Plugins: plugins, Dropped: worker.Dropped})
		if err != nil {
			log.Fatal(err)
		}
		if err := worker.Serve(context.Background(), server); err != nil {
			log.Fatal(err)
		}
		return
	}

	listener, err := pluginserver.Listen("/run/kong-waf/kong-waf.socket", 0o666, "")
	if err != nil {
		log.Fatal(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	err = supervisor.Run(ctx, supervisor.Options{
		Socket:     listener,
		WorkerArgs: []string{"serve", "--config", "/etc/kong-waf.yaml"},
		Plugins:    plugins,
		SharedSize: 64 << 20,
	})
	if err != nil {
		log.Fatal(err)
	}
}
