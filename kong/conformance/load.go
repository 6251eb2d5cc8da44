package conformance

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// callers is how many ask at the same time.
const callers = 64

// underLoad: what must hold with many callers at once, and while the plugin server suffers.
func underLoad() []behaviour {
	return []behaviour{
		steps("load", fmt.Sprintf("a limit of %d admits exactly %d of %d, asked by %d at once", exactLimit, exactLimit, 4*exactLimit, callers), func(t *trial) error {
			admitted, refused, other := t.storm("limit-exact", 4*exactLimit)
			if admitted != exactLimit || refused != 3*exactLimit || other != "" {
				return fmt.Errorf("admitted %d, refused %d; %s", admitted, refused, other)
			}
			return nil
		}),
		{group: "load", name: "a worker killed five times under load: no request fails", leave: withoutSupervisor, try: func(t *trial) error {
			return t.under(func() error {
				for range 5 {
					time.Sleep(600 * time.Millisecond)
					worker, err := workerOf(t.target.Supervisor)
					if err != nil {
						return err
					}
					if err := syscall.Kill(worker, syscall.SIGKILL); err != nil {
						return err
					}
				}
				return nil
			})
		}},
		{group: "load", name: "a reload (SIGHUP) under load: no request fails", leave: withoutSupervisor, try: func(t *trial) error {
			return t.under(func() error {
				time.Sleep(500 * time.Millisecond)
				if err := syscall.Kill(t.target.Supervisor, syscall.SIGHUP); err != nil {
					return err
				}
				time.Sleep(2 * time.Second)
				return nil
			})
		}},
	}
}

// withoutSupervisor leaves a behaviour out where there is no process to hurt.
func withoutSupervisor(target *Target) string {
	if target.Supervisor == 0 {
		return "no process of kong-waf serve was named (--pid)"
	}
	return ""
}

// storm sends a number of calls to a route, many at once, and counts what came of them. other
// is the first answer that was neither.
func (t *trial) storm(route string, calls int) (admitted, refused int64, other string) {
	var in, out atomic.Int64
	var strange atomic.Value
	var wg sync.WaitGroup
	next := make(chan struct{}, calls)
	for range calls {
		next <- struct{}{}
	}
	close(next)
	for range callers {
		wg.Go(func() {
			for range next {
				answer, err := t.exchange(http.MethodGet, t.wire(route, call{}))
				switch {
				case err != nil:
					strange.CompareAndSwap(nil, err.Error())
				case answer.Status == http.StatusOK:
					in.Add(1)
				case answer.Status == http.StatusTooManyRequests:
					out.Add(1)
				default:
					strange.CompareAndSwap(nil, fmt.Sprintf("answered %d %s", answer.Status, brief(answer.Body)))
				}
			}
		})
	}
	wg.Wait()
	t.target.Upstream.Take()
	text, _ := strange.Load().(string)
	return in.Load(), out.Load(), text
}

// under does something while eight callers ask: good requests must pass, attacks be refused.
func (t *trial) under(do func() error) error {
	quit := make(chan struct{})
	var wg sync.WaitGroup
	var total, failed atomic.Int64
	var why atomic.Value
	for n := range 8 {
		wg.Go(func() {
			c, wanted := call{target: "?q=" + escape(harmless)}, http.StatusOK
			if n%4 == 0 {
				c, wanted = call{target: "?q=" + escape(attack)}, http.StatusForbidden
			}
			for {
				select {
				case <-quit:
					return
				default:
				}
				answer, err := t.exchange(http.MethodGet, t.wire("detect", c))
				total.Add(1)
				switch {
				case err != nil:
					failed.Add(1)
					why.CompareAndSwap(nil, err.Error())
				case answer.Status != wanted:
					failed.Add(1)
					why.CompareAndSwap(nil, fmt.Sprintf("answered %d instead of %d", answer.Status, wanted))
				}
				t.target.Upstream.Take()
			}
		})
	}
	err := do()
	close(quit)
	wg.Wait()
	if err == nil && failed.Load() > 0 {
		err = fmt.Errorf("failed %d of %d: %v", failed.Load(), total.Load(), why.Load())
	}
	if err == nil && total.Load() == 0 {
		err = errors.New("no request was sent")
	}
	return err
}

// workerOf returns the process id of the supervisor's worker: the child that serves, known by
// its environment. Linux only.
func workerOf(supervisor int) (int, error) {
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", supervisor))
	if err != nil || len(tasks) == 0 {
		return 0, fmt.Errorf("process %d: no such process, or this is not Linux", supervisor)
	}
	for _, task := range tasks {
		children, err := os.ReadFile(task)
		if err != nil {
			continue // the thread has ended
		}
		for _, field := range strings.Fields(string(children)) {
			environment, err := os.ReadFile("/proc/" + field + "/environ")
			if err != nil {
				continue
			}
			if strings.Contains("\x00"+string(environment), "\x00"+workerMark) {
				return strconv.Atoi(field)
			}
		}
	}
	return 0, fmt.Errorf("process %d has no worker: is it the supervisor of kong-waf serve, and of this user?", supervisor)
}

// workerMark is in the environment of a worker, as kong/supervisor starts it.
const workerMark = "KONG_WAF_INTERNAL_WORKER="
