// Package metrics is what happened, in numbers. The numbers live in memory that the
// supervisor, its workers and the process beside them share: workers add to them with
// atomic instructions, so a worker that dies loses none, and whoever shows them (package
// exposition) asks no worker. They begin at zero with the supervisor.
package metrics
