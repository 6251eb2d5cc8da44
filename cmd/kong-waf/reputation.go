package main

import (
	"fmt"
	"log/slog"
	"strings"
	"time"

	addresses "kongwaf/detect/address"
	"kongwaf/detect/reputation"
	"kongwaf/kong/lists"
	"kongwaf/kong/metrics"
)

// reputationSettings say what makes clients suspicious.
type reputationSettings struct {
	GreyAttacks    int    `json:"grey_attacks" default:"5" kong:"between=0:10000" doc:"So many attacks of a client within window_seconds, refused or only reported, put it on the list grey; 0 is never."`
	GreyFailedKeys int    `json:"grey_failed_keys" default:"20" kong:"between=0:10000" doc:"So many unknown keys put a client on the list grey; 0 is never."`
	GreyRefusals   int    `json:"grey_refusals" default:"0" kong:"between=0:10000" doc:"So many requests above a limit put a client on the list grey; 0 is never."`
	DenyAttacks    int    `json:"deny_attacks" default:"0" kong:"between=0:10000" doc:"So many refused attacks put a client on the list deny; 0 is never. Read in docs/reputation.md who else may be hit."`
	DenyFailedKeys int    `json:"deny_failed_keys" default:"0" kong:"between=0:10000" doc:"So many refused unknown keys put a client on the list deny; 0 is never."`
	DenyRefusals   int    `json:"deny_refusals" default:"0" kong:"between=0:10000" doc:"So many refused requests above a limit put a client on the list deny; 0 is never."`
	WindowSeconds  int    `json:"window_seconds" default:"300" kong:"between=1:86400" doc:"The time in which attacks, keys and refusals are counted."`
	FirstSeconds   int    `json:"first_seconds" default:"600" kong:"between=1:2592000" doc:"How long a client's first automatic entry lasts; each further one lasts twice as long."`
	LongestSeconds int    `json:"longest_seconds" default:"86400" kong:"between=1:2592000" doc:"How long an automatic entry lasts at most."`
	IPv6Prefix     int    `json:"ipv6_prefix" default:"64" kong:"between=16:128" doc:"How many bits of an IPv6 address tell clients apart."`
	Share          bool   `json:"share" default:"true" doc:"With redis.address: whether a client that is put on a list here is on it on every node."`
	Exempt         string `json:"exempt" default:"private" doc:"Addresses for which there are no automatic entries, ranges with commas: proxies, the own network. private stands for loopback, link-local, private and shared (100.64.0.0/10) addresses; none for nobody."`
}

// private are the ranges that the word stands for in exempt. A client with such an address is a
// proxy that trusted_ips do not name, or somebody's own.
var private = []string{
	"127.0.0.0/8", "::1", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "fc00::/7", "fe80::/10",
}

// listedClients is how many clients the table of reputation has room for. It is part of what an
// upgrade hands from one version to the next.
const listedClients = 1 << 16

// any reports whether somebody has to keep the lists.
func (r *reputationSettings) any() bool {
	return r.GreyAttacks+r.GreyFailedKeys+r.GreyRefusals+r.DenyAttacks+r.DenyFailedKeys+r.DenyRefusals > 0
}

// rules returns the rules. An error names the setting.
func (r *reputationSettings) rules() (reputation.Rules, error) {
	rules := reputation.Rules{
		Window: time.Duration(r.WindowSeconds) * time.Second,
		First:  time.Duration(r.FirstSeconds) * time.Second, Longest: time.Duration(r.LongestSeconds) * time.Second,
		Prefix: r.IPv6Prefix,
	}
	rules.Grey[reputation.Attack], rules.Deny[reputation.Attack] = r.GreyAttacks, r.DenyAttacks
	rules.Grey[reputation.FailedKey], rules.Deny[reputation.FailedKey] = r.GreyFailedKeys, r.DenyFailedKeys
	rules.Grey[reputation.Refusal], rules.Deny[reputation.Refusal] = r.GreyRefusals, r.DenyRefusals
	if rules.Longest < rules.First {
		return rules, fmt.Errorf("reputation.longest_seconds: %d is shorter than first_seconds, %d", r.LongestSeconds, r.FirstSeconds)
	}
	for _, pair := range []struct {
		name       string
		grey, deny int
	}{{"attacks", r.GreyAttacks, r.DenyAttacks}, {"failed_keys", r.GreyFailedKeys, r.DenyFailedKeys}, {"refusals", r.GreyRefusals, r.DenyRefusals}} {
		if pair.deny > 0 && pair.deny < pair.grey {
			return rules, fmt.Errorf("reputation.deny_%s: %d is lower than grey_%s, %d: a client would be denied before it is suspect", pair.name, pair.deny, pair.name, pair.grey)
		}
	}
	var ranges []string
	for entry := range strings.SplitSeq(r.Exempt, ",") {
		switch entry = strings.TrimSpace(entry); entry {
		case "private":
			ranges = append(ranges, private...)
		case "none", "":
		default:
			ranges = append(ranges, entry)
		}
	}
	var err error
	if rules.Exempt, err = addresses.ParseSet(ranges); err != nil {
		return rules, fmt.Errorf("reputation.exempt: %w", err)
	}
	return rules, nil
}

// keeper returns who keeps the lists in a table. Changed, if not nil, is told of changes.
func (s *settings) keeper(logger *slog.Logger, table *reputation.Table, numbers *metrics.Table, folder string, changed func(lists.Change)) (*lists.Keeper, error) {
	rules, err := s.Reputation.rules()
	if err != nil {
		return nil, err
	}
	return lists.New(lists.Options{
		Table: table, Rules: rules, Numbers: numbers, Node: s.Events.node(), Folder: folder, Changed: changed, Logger: logger,
	})
}
