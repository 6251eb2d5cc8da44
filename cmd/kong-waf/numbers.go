package main

import (
	"time"

	"kongwaf/detect/ratelimit"
	"kongwaf/detect/reputation"
	"kongwaf/kong/metrics"
	"kongwaf/kong/pluginserver"
	"kongwaf/kong/supervisor"
	"kongwaf/plugins"
)

// The memory that supervisor, workers and aside share holds the counters of limits and,
// behind them, the reputation of clients and the metrics.

var reputationSize = reputation.Size(listedClients)

func sharedSize(clients int) int { return ratelimit.Size(clients) + reputationSize + metrics.Size }

func sharedLimits(memory []byte) []byte { return memory[:len(memory)-metrics.Size-reputationSize] }

func sharedReputation(memory []byte) []byte {
	return memory[len(memory)-metrics.Size-reputationSize : len(memory)-metrics.Size]
}

func sharedNumbers(memory []byte) []byte { return memory[len(memory)-metrics.Size:] }

// countFailure counts an event that the failure policy answered.
func countFailure(numbers *metrics.Table, plugin, why string, policy pluginserver.Policy) {
	numbers.Number(metrics.Failures, plugin, why, policy.String()).Add(1)
}

// publishEvery is how often the supervisor says how things are.
const publishEvery = 250 * time.Millisecond

// publish keeps the supervisor's numbers in the table up to date until done is closed.
func publish(numbers *metrics.Table, s *supervisor.Supervisor, done <-chan struct{}) {
	numbers.Number(metrics.Build, plugins.Version).Set(1)
	tick := time.NewTicker(publishEvery)
	defer tick.Stop()
	for {
		stats := s.Stats()
		for metric, value := range map[*metrics.Metric]int{
			metrics.Connections: stats.Connections, metrics.Instances: stats.Instances, metrics.WorkerStarts: stats.Started,
			metrics.WorkerDeaths: int(stats.Died), metrics.WorkerFreezes: int(stats.Frozen), metrics.Repeated: int(stats.Repeated),
			metrics.WorkerUp: number(stats.Worker != 0), metrics.Fallback: number(stats.Fallback), metrics.SocketLost: number(stats.Lost != nil),
			metrics.Beat: int(time.Now().Unix()),
		} {
			numbers.Number(metric).Set(uint64(value))
		}
		if stats.Worker != 0 {
			numbers.Number(metrics.Pid, "worker").Set(uint64(stats.Worker))
		}
		select {
		case <-tick.C:
		case <-done:
			return
		}
	}
}

func number(yes bool) int {
	if yes {
		return 1
	}
	return 0
}
