package wafdetect

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"kongwaf/detect"
	"kongwaf/plugins/internal/check"
	"kongwaf/plugins/internal/facts"
	"kongwaf/plugins/internal/openapi"
	"kongwaf/plugins/internal/source"
)

// openapiReport is the value of openapi.action that refuses nothing.
const openapiReport = "report"

// maxDescription bounds a description, in bytes.
const maxDescription = 16 << 20

// OpenAPI holds requests against a description of the API.
type OpenAPI struct {
	Spec         string   `json:"spec,omitempty" doc:"The OpenAPI description (3.0 or 3.1, YAML or JSON, all in one document): the absolute path of a file on the plugin server's machine, an http(s) URL, or the text itself. Not set: requests are not held against one."`
	Action       string   `json:"action" default:"block" kong:"required,oneof=block|report" doc:"What a request gets that the description does not allow: block treats it as an attack, by the plugin's mode; report only reports it."`
	Unknown      []string `json:"unknown" default:"path,method,query" kong:"elements.oneof=path|method|query|header|cookie" doc:"Parts of a request that must be described: paths, methods of a path, parameters of the query, headers (but for usual ones), cookies. What is described is always held to its description."`
	BasePath     string   `json:"base_path,omitempty" kong:"match=^/" doc:"What stands before the description's paths in a request as the client sends it, such as the path of the route. Not set: the paths of the description's servers."`
	EncodedSlash bool     `json:"encoded_slash" default:"false" doc:"Whether a segment of a path may hold an encoded slash (%2F). Set it only if the upstream takes it for a part of the segment."`
	Interval     int      `json:"interval" default:"300" kong:"required,between=10:86400" doc:"Seconds between two questions to a URL for a newer version. A file is read again when it changes."`
}

// api is the compiled setting.
type api struct {
	fixed  *openapi.Description
	source *source.Source[*openapi.Description]
	report bool
	body   bool // is inspected
}

// compile returns the setting as requests are held against it, nil if there is no
// description. The error begins with the field.
func (c *OpenAPI) compile(env check.Env, application string, body bool) (*api, error) {
	if c.Spec == "" {
		return nil, nil
	}
	has := func(part string) bool { return slices.Contains(c.Unknown, part) }
	o := openapi.Options{BasePath: c.BasePath, EncodedSlash: c.EncodedSlash, Unknown: openapi.Parts{
		Path: has("path"), Method: has("method"), Query: has("query"), Header: has("header"), Cookie: has("cookie"),
	}}
	a := &api{report: c.Action == openapiReport, body: body}
	if isText(c.Spec) {
		var err error
		if a.fixed, err = openapi.Compile([]byte(c.Spec), o); err != nil {
			return nil, fmt.Errorf(".spec: %w", err)
		}
		return a, nil
	}
	name := "openapi"
	if application != "" {
		name += " " + application
	}
	var err error
	a.source, err = source.Open(&env.Sources, source.Settings{
		Name: name, Location: c.Spec, Interval: time.Duration(c.Interval) * time.Second, MaxBytes: maxDescription,
	}, source.Format[*openapi.Description]{
		Name:  fmt.Sprintf("openapi %+v", o),
		Parse: func(data []byte) (*openapi.Description, error) { return openapi.Compile(data, o) },
		Count: (*openapi.Description).Operations,
	})
	if err != nil {
		return nil, fmt.Errorf(".spec: %w", err)
	}
	return a, nil
}

// isText reports whether a spec is the description itself.
func isText(spec string) bool {
	return strings.Contains(spec, "\n") || strings.HasPrefix(strings.TrimSpace(spec), "{")
}

// errNoDescription says that a description has never been read.
var errNoDescription = errors.New("the OpenAPI description has not been read so far")

// described holds a request that is no attack against the description, and returns the
// verdict on it if there is anything to say.
func (i *inspector) described(f *facts.Facts, r *detect.Request) (v detect.Verdict, word string, ok bool) {
	description := i.api.fixed
	if description == nil {
		if description, ok = i.api.source.Get(); !ok {
			return detect.Verdict{Failed: true, Fault: errNoDescription, Reason: errNoDescription.Error()}, "", true
		}
	}
	withBody := i.api.body && f.BodyErr == nil
	if withBody {
		if err := f.Hold(openapi.Memory(&f.Request)); err != nil {
			return detect.Verdict{Failed: true, Fault: err, Reason: "no memory left to hold the body against its schema"}, "", true
		}
	}
	result := description.Check(&f.Request, withBody)
	report := &detect.Report{}
	for _, finding := range result.Findings {
		if by, silent := i.engine.Silences(r, finding); !silent {
			report.Attacks = append(report.Attacks, finding)
		} else if by != nil && report.Excepted == nil {
			report.Excepted = by
		}
	}
	switch {
	case len(report.Attacks) > 0:
		report.Score, report.Blocked = 1, true
		v = detect.Verdict{Reason: "schema_violated"}
		if !i.api.report && i.refuses(f) {
			v = i.refuse(f, i.status, "schema_violated", i.message)
		}
		v.Report = report
		return v, "reported", true
	case report.Excepted != nil:
		return detect.Verdict{Reason: "attack_excepted", Report: report}, "excepted", true
	case result.Unchecked != "" && f.Request.BodyTruncated:
		return detect.Verdict{Reason: "schema_unchecked"}, "reported", true
	}
	return detect.Verdict{}, "", false
}
