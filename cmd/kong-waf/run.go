package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const runHelp = `Usage: kong-waf run [--socket PATH] [--console ADDR|off] [--config FILE] [--wait DURATION] [--grace DURATION] -- COMMAND [ARG...]

Starts the plugin server, waits until it answers, and then runs COMMAND, Kong's own entrypoint: Kong finds
its plugin server from its first request on, and the server's log goes to our standard error, whatever Kong's
log level. Made to be a container's first process: it also reaps orphans.

Signals go to COMMAND. SIGHUP, which makes Kong reload, goes to the plugin server too: it starts a new worker
(new binary, new settings), without a failed request.
When COMMAND ends, the plugin server ends behind it, and run with COMMAND's exit status (128 and the signal's
number if a signal ended it). When the plugin server ends first, COMMAND gets SIGQUIT, with which Kong answers
what it has begun, and after --grace SIGKILL; the exit status is not 0.
`

// runRun is the plugin server and Kong in one container.
func runRun(args []string, _ io.Reader, _, stderr io.Writer) int {
	flags := newFlags("run", runHelp, stderr)
	server := addServeFlags(flags)
	wait := flags.Duration("wait", 30*time.Second, "how long the plugin server may take until it answers")
	grace := flags.Duration("grace", 10*time.Second, "how long the one may take to end when the other has ended")
	if code, stop := parse(flags, args, operands{least: 1, most: 1 << 20, what: "COMMAND"}); stop {
		return code
	}
	path, err := exec.LookPath(flags.Arg(0))
	if err != nil {
		fmt.Fprintf(stderr, "kong-waf run: %v\n", err)
		return 127 // as a shell
	}
	r := &runner{
		log:     slog.New(slog.NewJSONHandler(stderr, nil)),
		server:  child{name: "plugin server"},
		command: child{name: "command"},
		grace:   *grace,
	}
	status, err := r.run(*server, *wait, path, flags.Args())
	if err != nil {
		fmt.Fprintf(stderr, "kong-waf run: %v\n", err)
	}
	return status
}

// runner runs the two processes. All of it happens in one goroutine.
type runner struct {
	log             *slog.Logger
	server, command child
	grace           time.Duration
	kill            <-chan time.Time // fires when the last one has had its time
}

// child is one of the two processes.
type child struct {
	name   string
	pid    int // 0 until it is started
	ended  bool
	status int // as a shell shows it
}

func (c *child) runs() bool { return c.pid != 0 && !c.ended }

func (c *child) signal(s syscall.Signal) {
	if c.runs() { // not reaped: the id is still its own
		_ = syscall.Kill(c.pid, s)
	}
}

// passedOn are the signals that somebody may mean for Kong.
var passedOn = []os.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGWINCH}

// run returns the exit status, and an error if it was not the command that ended first.
func (r *runner) run(server serveOptions, wait time.Duration, path string, args []string) (int, error) {
	// The children are told when the thread ends that started them.
	runtime.LockOSThread()
	ends := make(chan os.Signal, 1) // one that waits stands for all
	signal.Notify(ends, syscall.SIGCHLD)
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, passedOn...)

	self, err := os.Executable()
	if err != nil {
		return 1, err
	}
	nothing, err := os.Open(os.DevNull)
	if err != nil {
		return 1, err
	}
	defer nothing.Close()
	if err := r.start(&r.server, self, append([]string{self, "serve"}, server.args()...), nothing); err != nil {
		return 1, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), wait)
	defer cancel()
	ready := make(chan error, 1)
	go func() { ready <- awaitServer(ctx, server.socket, r.server.pid) }()

	var trouble error
	status := 0
	for {
		select {
		case err := <-ready:
			if r.server.ended || r.kill != nil {
				break // it ends already
			}
			if err == nil {
				err = r.start(&r.command, path, args, os.Stdin)
			}
			if err != nil {
				status, trouble = 1, err
				r.end(&r.server, syscall.SIGTERM)
			}
		case <-ends:
			r.reap()
		case s := <-signals:
			switch s := s.(syscall.Signal); {
			case r.command.pid != 0:
				r.command.signal(s)
				if s == syscall.SIGHUP {
					r.server.signal(s)
				}
			case s == syscall.SIGTERM, s == syscall.SIGINT, s == syscall.SIGQUIT:
				status = 128 + int(s)
				r.end(&r.server, syscall.SIGTERM)
			}
		case <-r.kill:
			r.server.signal(syscall.SIGKILL)
			r.command.signal(syscall.SIGKILL)
		}
		switch {
		case r.server.runs() && r.command.ended && r.kill == nil:
			status = r.command.status
			r.end(&r.server, syscall.SIGTERM)
		case r.server.ended && r.command.runs() && r.kill == nil:
			trouble = fmt.Errorf("the plugin server has ended with status %d", r.server.status)
			r.end(&r.command, syscall.SIGQUIT)
		case r.server.ended && !r.command.runs():
			if r.command.pid == 0 && status == 0 {
				trouble = errors.New("the plugin server has ended before it answered")
			}
			if trouble != nil {
				status = max(1, status, r.command.status)
			}
			return status, trouble
		}
	}
}

// end asks a process to end, and gives it some time.
func (r *runner) end(c *child, s syscall.Signal) {
	c.signal(s)
	if r.kill == nil {
		r.kill = time.After(r.grace)
	}
}

// start starts a process in a group of its own: a terminal signals the whole group, and it
// is we who know the order.
func (r *runner) start(c *child, path string, args []string, stdin *os.File) error {
	attr := ownGroup()
	if _, err := unix.IoctlGetTermios(int(stdin.Fd()), readTermios); err == nil {
		attr.Foreground, attr.Ctty = true, int(stdin.Fd()) // keys are for the command
	}
	process, err := os.StartProcess(path, args, &os.ProcAttr{
		Env: os.Environ(), Files: []*os.File{stdin, os.Stdout, os.Stderr}, Sys: attr})
	if err != nil {
		return fmt.Errorf("start %s: %w", strings.Join(args, " "), err)
	}
	c.pid = process.Pid
	r.log.Info("started", "process", c.name, "pid", c.pid)
	return process.Release() // reap waits for it
}

// reap takes note of every process that has ended, orphans among them if we are the first
// one here.
func (r *runner) reap() {
	for {
		var ws syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &ws, syscall.WNOHANG, nil)
		if err == syscall.EINTR {
			continue
		}
		if pid <= 0 {
			return
		}
		for _, c := range []*child{&r.server, &r.command} {
			if pid != c.pid || c.ended {
				continue
			}
			c.ended, c.status = true, ws.ExitStatus()
			if ws.Signaled() {
				c.status = 128 + int(ws.Signal())
			}
			r.log.Info("ended", "process", c.name, "pid", pid, "status", c.status)
		}
	}
}
