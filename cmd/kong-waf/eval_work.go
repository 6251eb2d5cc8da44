package main

import (
	"fmt"
	"io"
	"slices"

	"kongwaf/detect"
	"kongwaf/detect/attack"
)

// workload is what the requests of one file and label cost in work: bytes that the engine reads.
type workload struct {
	file, label string
	share       float64 // of the budget, the highest
	dearest     any     // the id of that request
	perByte     []float64
}

// measure counts the work on a request, with an engine that remembers nothing: no request
// ever costs more.
func (e *evaluation) measure(file string, item evalItem, r *detect.Request) {
	engine, _ := attack.New(attack.Options{}) // the zero options are valid
	_, x := engine.Explain(r)
	w := e.workload(file, item.Label)
	if x.Share > w.share {
		w.share, w.dearest = x.Share, item.ID
	}
	w.perByte = append(w.perByte, float64(x.Spent)/float64(x.Sent))
}

func (e *evaluation) workload(file, label string) *workload {
	for _, w := range e.workloads {
		if w.file == file && w.label == label {
			return w
		}
	}
	w := &workload{file: file, label: label}
	e.workloads = append(e.workloads, w)
	return w
}

func (e *evaluation) printWork(out io.Writer) {
	for _, w := range e.workloads {
		slices.Sort(w.perByte)
		at := func(percent int) float64 { return w.perByte[min(len(w.perByte)*percent/100, len(w.perByte)-1)] }
		fmt.Fprintf(out, "work %s %s: %d requests, at most %.2f %% of the budget (%v); bytes read for each sent: median %.1f, p99 %.1f, highest %.1f\n",
			w.file, w.label, len(w.perByte), 100*w.share, w.dearest, at(50), at(99), at(100))
	}
}
