// Package place says what a place of a request is for, by its name and by what it stands in,
// and how much an attack of a class counts there.
//
// Languages judge a text by nothing but the text. But "/bin/sh" in a container's command is
// no attack, nor is markup in a question to a language model: nothing there is going to read
// it as the language that it is written in. The weights are few, and stand in one table;
// whoever asks for an explanation is told which one applied.
//
// The caller chooses the names, so a place proves nothing: no weight makes an attack harmless
// where an application reads parameters of any name. They stand for what an API with such a
// field does with it. A request that the API does not know goes nowhere.
package place

import (
	"strings"

	"kongwaf/detect"
	"kongwaf/detect/attack/words"
)

// Type is what a place is for. The zero value is Unknown: every weight is 1.
type Type uint8

// The types of places.
const (
	Unknown    Type = iota
	Message         // what people write to each other: a comment, a chat message, a description
	Prompt          // what a language model is to read, and tools described to it
	Program         // a program as data: a container's command, a notebook's cell, a frame of a stack trace
	Log             // a record of what happened elsewhere: log lines, spans, breadcrumbs
	Credential      // a password or a key
	Page            // the address of a page, repeated by the browser for each file that the page loads
	Markup          // a whole page in a file of its own
	Scalar          // what an application looks up, compares or follows: an id, a user's name, an order, a file, an address
)

var typeNames = [...]string{"", "message", "prompt", "program", "log", "credential", "page address", "page in a file", "scalar"}

// String returns the type in a word or two, "" for Unknown.
func (t Type) String() string {
	if int(t) < len(typeNames) {
		return typeNames[t]
	}
	return ""
}

// rule makes a place of one of the names a place of the type.
type rule struct {
	typ   Type
	names string
	below string // fields, one of which must be above; any place if there are none
	api   string // parts of the request's path, one of which must be in it; any path if there are none
	json  bool   // only in JSON
	yaml  bool   // only in YAML
	array bool   // only an element of an array
}

// rules name the places of which something is known; the first that fits counts.
var rules = [...]rule{
	// Chat completions, messages and responses APIs of language models; tool definitions.
	{typ: Prompt, json: true, names: "content text input", below: "messages contents parts input"},
	{typ: Prompt, json: true, names: "description", below: "tools functions"},
	{typ: Prompt, json: true, names: "prompt system_prompt instructions"},
	// Pods, containers and jobs.
	{typ: Program, json: true, names: "command args cmd entrypoint argv", below: "container containers initcontainers spec template services exec healthcheck"},
	{typ: Program, json: true, names: "command args cmd entrypoint argv", array: true},
	{typ: Program, json: true, names: "test", below: "healthcheck"},
	// CI pipelines.
	{typ: Program, json: true, names: "run script before_script after_script", below: "steps jobs stages"},
	{typ: Program, yaml: true, names: "run script before_script after_script command args entrypoint"},
	// Jupyter notebooks.
	{typ: Program, json: true, names: "source text text/html text/plain", below: "cells outputs"},
	// Error trackers.
	{typ: Program, json: true, names: "context_line pre_context post_context", below: "frames"},
	{typ: Log, json: true, names: "message value", below: "breadcrumbs exception"},
	// OpenTelemetry's logs and spans, Loki's streams.
	{typ: Log, json: true, names: "stringvalue", below: "logrecords spans attributes"},
	{typ: Log, json: true, names: "values", below: "streams"},
	// Splunk's, Datadog's, New Relic's and Elasticsearch's ways in for lines of logs.
	{typ: Log, json: true, names: "event message msg log line", api: "/services/collector /api/v2/logs /v1/input /log/v1 /_bulk"},
	// Queries for such lines, which look for what attacks leave.
	{typ: Log, names: "query args", api: "/loki/api/"},
	// Dashboards.
	{typ: Program, json: true, names: "content", below: "panels"},

	{typ: Credential, names: "password passwd pwd pass passphrase passcode new_password old_password newpassword oldpassword password_confirmation client_secret"},
	{typ: Message, names: "text content message comment body description note notes question answer review reply caption summary details feedback bio about post markdown"},
	{typ: Scalar, names: scalars},
}

// scalars are names of parameters in which nobody writes sentences.
const scalars = "id ids uid uuid gid pid cid sid userid user_id itemid item_id postid post_id productid product_id orderid order_id " +
	"accountid account_id parentid parent_id categoryid category_id pageid page_id user username login account email mail phone zip " +
	"page limit offset start size count sort sortby sort_by order orderby order_by dir direction column field fields filter category cat type " +
	"status state lang locale format file filename path folder doc document template view theme layout include module action cmd command exec " +
	"execute ping ip host hostname domain port url uri link href src redirect redirect_uri return return_url returnurl next callback dest " +
	"date year month day price amount qty quantity code sku slug token key session cookie"

// names has the names of all rules; bit n stands for rule n.
var names = func() *words.Set {
	var groups []words.Group
	for i := range rules {
		groups = append(groups, words.Group{Kind: 1 << i, Words: rules[i].names})
	}
	return words.New(groups...)
}()

// yamlRoot is the place of what stands in YAML without a name.
const yamlRoot = "body.yaml"

// Of returns the type of the place at which a value of the given name stands in the body or
// the query of a request for the target. Other places have no type.
func Of(name string, at detect.Place, target string) Type {
	if source := at.Source(); source != detect.SourceBody && source != detect.SourceQuery {
		return Unknown
	}
	mask := names.Of(name)
	if mask == 0 {
		switch {
		case name == "" && at == yamlRoot:
			return Program // the lines of a block
		case isID(name):
			return Scalar
		}
		return Unknown
	}
	for i := range rules {
		if mask&(1<<i) != 0 && rules[i].fits(string(at), target) {
			return rules[i].typ
		}
	}
	return Unknown
}

// isID reports whether a name is that of an id: order_id, order-id, orderId, orderID.
func isID(name string) bool {
	if len(name) < 3 {
		return false
	}
	before, end := name[len(name)-3], name[len(name)-2:]
	return end == "Id" || end == "ID" || end == "id" && (before == '_' || before == '-')
}

// fits reports whether the rule holds for a place that has one of its names.
func (r *rule) fits(at, target string) bool {
	return isIn(target, r.api) && (!r.json || strings.Contains(at, ".json")) && (!r.yaml || strings.HasPrefix(at, yamlRoot)) && (!r.array || strings.HasSuffix(at, "]")) && isBelow(at, r.below)
}

// isIn reports whether a target has one of the parts, separated by blanks; every target has if
// there is none.
func isIn(target, parts string) bool {
	if parts == "" {
		return true
	}
	target, _, _ = strings.Cut(target, "?")
	for parts != "" {
		var part string
		if part, parts, _ = strings.Cut(parts, " "); strings.Contains(target, part) {
			return true
		}
	}
	return false
}

// isBelow reports whether a place lies below a field of one of the names, separated by
// blanks; every place does if there is none.
func isBelow(at, fields string) bool {
	if fields == "" {
		return true
	}
	for at != "" {
		step := at
		if i := strings.IndexAny(at, ".["); i >= 0 {
			step, at = at[:i], at[i+1:]
		} else {
			return false // the value's own name is above nothing
		}
		for rest := fields; rest != ""; {
			field := ""
			field, rest, _ = strings.Cut(rest, " ")
			if len(field) == len(step) && detect.EqualFold(field, step) {
				return true
			}
		}
	}
	return false
}
