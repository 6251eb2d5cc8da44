// Package events is what happened, in words: one event for each request that was refused,
// reported, let through by an exception, or not judged at all.
//
// A worker records an event with a Sender, which never blocks: what does not fit is dropped
// and counted. The process beside the workers receives the events of all of them, folds
// equal ones so that a flood fills no disk (Folder), and hands them to the sinks (package
// sink) and to the console.
//
// An event is hostile text: its path, header, place and evidence are an attacker's. It is
// bounded, valid UTF-8, and holds no query string and nothing from a place that is known
// to be secret; who shows it must escape it.
package events
