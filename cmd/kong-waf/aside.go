package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"kongwaf/detect/reputation"
	"kongwaf/kong/events"
	"kongwaf/kong/events/sink"
	"kongwaf/kong/metrics"
	"kongwaf/kong/supervisor"
	"kongwaf/plugins"
)

// eventSettings say where events go.
type eventSettings struct {
	File          string `json:"file,omitempty" doc:"File of JSON lines, or off. If not set, kong-waf-events.jsonl beside the socket."`
	FileMegabytes int    `json:"file_megabytes" default:"100" kong:"between=1:100000" doc:"At which size the file is renamed, compressed, and begun anew, in MB."`
	FileKeep      int    `json:"file_keep" default:"5" kong:"between=1:1000" doc:"How many renamed files are kept."`
	Stdout        bool   `json:"stdout" default:"false" doc:"Whether events go to the standard output, as JSON lines."`
	OTLP          string `json:"otlp,omitempty" doc:"An OpenTelemetry collector, such as http://collector:4318. Events are sent as logs, by OTLP over HTTP."`
	OTLPTokenFile string `json:"otlp_token_file,omitempty" doc:"File with a token for the collector, sent as Authorization: Bearer."`
	RedisStream   string `json:"redis_stream,omitempty" doc:"Key of the Redis stream that gets every event, or off; redis.address says where. If not set, redis.prefix with :events."`
	RedisLength   int    `json:"redis_length" default:"100000" kong:"between=1000:100000000" doc:"About how many events the stream keeps."`
	FoldSeconds   int    `json:"fold_seconds" default:"10" kong:"between=0:3600" doc:"Equal events within so many seconds become two lines, the first one and one with their number; 0 writes every one."`
	Node          string `json:"node,omitempty" doc:"Name of this machine in events. The host's name if not set."`
}

// node returns the machine's name in events.
func (e *eventSettings) node() string {
	if e.Node != "" {
		return e.Node
	}
	name, _ := os.Hostname()
	return name
}

// any reports whether events go anywhere.
func (e *eventSettings) any() bool {
	return e.File != "off" || e.Stdout || e.OTLP != ""
}

// asideNice is how far the process stands back where processors are short.
const asideNice = 19

// asideWrites is how long the sinks may take for what is left when the process ends.
const asideWrites = 3 * time.Second

// runAside is what the process beside the workers does: it takes the events of all workers
// to the sinks, and has the console. It ends by SIGTERM.
func runAside(logger *slog.Logger, set *settings, socket string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	signal.Ignore(os.Interrupt, syscall.SIGHUP)
	// Requests come first. The group is this process with all its threads.
	_ = syscall.Setpriority(syscall.PRIO_PGRP, 0, asideNice)
	a, err := supervisor.NewAside()
	if err != nil {
		return err
	}
	others, err := set.share(logger)
	if err != nil {
		logger.Error("this node shares nothing", "error", err)
	}
	sinks, err := openSinks(set, socket, others.id())
	if err != nil {
		// The others work, and the next start would fail as this one.
		logger.Error("events are not written everywhere", "error", err)
	}
	numbers, err := metrics.Open(sharedNumbers(a.Shared))
	if err != nil {
		return err
	}
	numbers.Number(metrics.Pid, "console").Set(uint64(os.Getpid()))
	table, err := reputation.Open(sharedReputation(a.Shared), plugins.Secret())
	if err != nil {
		return err
	}
	keeper, err := set.keeper(logger, table, numbers, set.Data.folder(socket), others.publish())
	if err != nil {
		return err
	}
	history, err := set.Console.open(ctx, logger, numbers, set.Events.node(), socket, set.Data.folder(socket), keeper)
	if err != nil {
		logger.Error("no console", "error", err)
	} else if history != nil {
		sinks = append(sinks, history)
	}
	fan := sink.NewFan(sink.Options{Logger: logger, Count: func(sink string, written, dropped int) {
		numbers.Number(metrics.EventsWritten, sink).Add(uint64(written))
		numbers.Number(metrics.EventsDropped, sink).Add(uint64(dropped))
	}}, sinks...)
	var beside sync.WaitGroup
	beside.Go(func() { keeper.Run(ctx) })
	beside.Go(func() { others.run(ctx, keeper, history) })
	folder := events.NewFolder(time.Duration(set.Events.FoldSeconds) * time.Second)
	err = events.Pump(ctx, a.Messages, folder, keeper.Observe, fan.Record)
	stop()
	beside.Wait()
	return errors.Join(err, fan.Close(asideWrites))
}

// openSinks opens the sinks that it can, and says which it could not. The id is what this
// process calls itself where others write too.
func openSinks(set *settings, socket, id string) (sinks []sink.Sink, err error) {
	e := &set.Events
	var errs []error
	add := func(s sink.Sink, err error) {
		if err != nil {
			errs = append(errs, err)
			return
		}
		sinks = append(sinks, s)
	}
	if e.File != "off" {
		file := e.File
		if file == "" {
			file = filepath.Join(filepath.Dir(socket), "kong-waf-events.jsonl")
		}
		add(sink.File(file, e.FileMegabytes, e.FileKeep))
	}
	if e.Stdout {
		add(sink.Stream("stdout", os.Stdout), nil)
	}
	if e.OTLP != "" {
		headers := map[string]string{}
		if token, err := secretFile("events.otlp_token_file", e.OTLPTokenFile); err != nil {
			errs = append(errs, err)
		} else if token != "" {
			headers["Authorization"] = "Bearer " + token
		}
		add(sink.OTLP(e.OTLP, headers, plugins.Version))
	}
	if key := set.stream(); key != "" {
		client, err := set.Redis.client()
		if err != nil {
			errs = append(errs, err)
		} else {
			add(sink.Redis(client, key, int64(e.RedisLength), id), nil)
		}
	}
	return sinks, errors.Join(errs...)
}

// secretFile reads a secret of at most 4 KiB, "" if no file is named.
func secretFile(field, file string) (string, error) {
	if file == "" {
		return "", nil
	}
	f, err := os.Open(file)
	if err != nil {
		return "", fmt.Errorf("%s: %w", field, err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, 4096))
	if err != nil {
		return "", fmt.Errorf("%s: %w", field, err)
	}
	secret := strings.TrimSpace(string(data))
	if secret == "" {
		return "", fmt.Errorf("%s: %s is empty", field, file)
	}
	return secret, nil
}
