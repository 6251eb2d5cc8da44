package sink

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"time"

	collector "go.opentelemetry.io/proto/slim/otlp/collector/logs/v1"
	common "go.opentelemetry.io/proto/slim/otlp/common/v1"
	logs "go.opentelemetry.io/proto/slim/otlp/logs/v1"
	resource "go.opentelemetry.io/proto/slim/otlp/resource/v1"
	"google.golang.org/protobuf/proto"

	"kongwaf/kong/events"
)

// otlp sends events as log records, by OTLP over HTTP in protobuf (OTLP specification
// 1.x). The messages are OpenTelemetry's own without gRPC: its exporter links gRPC even
// where only HTTP is used, which would double this program, and it cannot tell how many
// records it dropped.
type otlp struct {
	client  *http.Client
	url     string
	headers map[string]string
	version string
}

// OTLP returns a sink that posts to a collector, such as http://collector:4318; the path
// /v1/logs is added if there is none. Version is the program's own.
func OTLP(endpoint string, headers map[string]string, version string) (Sink, error) {
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("events.otlp: %q is no http or https URL, such as http://collector:4318", endpoint)
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = "/v1/logs"
	}
	return &otlp{client: &http.Client{}, url: u.String(), headers: headers, version: version}, nil
}

// Name implements Sink.
func (o *otlp) Name() string { return "otlp" }

// Close implements Sink.
func (o *otlp) Close() error {
	o.client.CloseIdleConnections()
	return nil
}

// Write implements Sink.
func (o *otlp) Write(ctx context.Context, batch []*events.Event) error {
	body, err := proto.Marshal(o.request(batch))
	if err != nil {
		return &Permanent{err}
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, o.url, bytes.NewReader(body))
	if err != nil {
		return &Permanent{err}
	}
	for name, value := range o.headers {
		r.Header.Set(name, value)
	}
	r.Header.Set("Content-Type", "application/x-protobuf")
	answer, err := o.client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(answer.Body, 64<<10))
	switch answer.StatusCode {
	case http.StatusOK:
		var reply collector.ExportLogsServiceResponse
		if proto.Unmarshal(text, &reply) == nil && reply.GetPartialSuccess().GetRejectedLogRecords() > 0 {
			return &Permanent{fmt.Errorf("the collector rejected %d records: %s",
				reply.PartialSuccess.RejectedLogRecords, reply.PartialSuccess.ErrorMessage)}
		}
		return nil
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return errors.New("the collector answered " + answer.Status)
	}
	return &Permanent{errors.New("the collector answered " + answer.Status)}
}

func (o *otlp) request(batch []*events.Event) *collector.ExportLogsServiceRequest {
	records := make([]*logs.LogRecord, len(batch))
	for i, e := range batch {
		records[i] = record(e)
	}
	node := ""
	if len(batch) > 0 {
		node = batch[0].Node
	}
	return &collector.ExportLogsServiceRequest{ResourceLogs: []*logs.ResourceLogs{{
		Resource: &resource.Resource{Attributes: []*common.KeyValue{
			text("service.name", "kong-waf"), text("service.version", o.version), text("host.name", node),
		}},
		ScopeLogs: []*logs.ScopeLogs{{Scope: &common.InstrumentationScope{Name: "kong-waf", Version: o.version}, LogRecords: records}},
	}}}
}

// record turns an event into a log record: ids, time and name go to the fields that OTLP
// has for them, everything else becomes an attribute under its own key.
func record(e *events.Event) *logs.LogRecord {
	severity, word := logs.SeverityNumber_SEVERITY_NUMBER_WARN, "WARN"
	if e.Action == events.ActionExcepted {
		severity, word = logs.SeverityNumber_SEVERITY_NUMBER_INFO, "INFO"
	}
	r := &logs.LogRecord{
		TimeUnixNano: uint64(e.Time.UnixNano()), ObservedTimeUnixNano: uint64(time.Now().UnixNano()),
		SeverityNumber: severity, SeverityText: word, EventName: e.Name,
		Body: &common.AnyValue{Value: &common.AnyValue_StringValue{StringValue: summary(e)}},
	}
	r.TraceId, _ = hex.DecodeString(e.TraceID)
	r.SpanId, _ = hex.DecodeString(e.SpanID)
	v := reflect.ValueOf(e).Elem()
	for i := range v.NumField() {
		key, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		switch key {
		case "", // no key of the event's
			"event.name", "timestamp", "trace_id", "span_id":
			continue
		}
		if value := anyValue(v.Field(i)); value != nil {
			r.Attributes = append(r.Attributes, &common.KeyValue{Key: key, Value: value})
		}
	}
	return r
}

// anyValue returns nil for zero values.
func anyValue(v reflect.Value) *common.AnyValue {
	if v.IsZero() {
		return nil
	}
	if v.Kind() == reflect.Pointer {
		n := v.Elem().Int() // the exception: 0 is one
		return &common.AnyValue{Value: &common.AnyValue_IntValue{IntValue: n}}
	}
	switch value := v.Interface().(type) {
	case string:
		return &common.AnyValue{Value: &common.AnyValue_StringValue{StringValue: value}}
	case int:
		return &common.AnyValue{Value: &common.AnyValue_IntValue{IntValue: int64(value)}}
	case int64:
		return &common.AnyValue{Value: &common.AnyValue_IntValue{IntValue: value}}
	case float64:
		return &common.AnyValue{Value: &common.AnyValue_DoubleValue{DoubleValue: value}}
	case bool:
		return &common.AnyValue{Value: &common.AnyValue_BoolValue{BoolValue: value}}
	case time.Time:
		return &common.AnyValue{Value: &common.AnyValue_StringValue{StringValue: value.UTC().Format(time.RFC3339Nano)}}
	case []string:
		list := &common.ArrayValue{}
		for _, s := range value {
			list.Values = append(list.Values, &common.AnyValue{Value: &common.AnyValue_StringValue{StringValue: s}})
		}
		return &common.AnyValue{Value: &common.AnyValue_ArrayValue{ArrayValue: list}}
	}
	return nil
}

func text(key, value string) *common.KeyValue {
	return &common.KeyValue{Key: key, Value: &common.AnyValue{Value: &common.AnyValue_StringValue{StringValue: value}}}
}

// summary is the record's body, for people.
func summary(e *events.Event) string {
	s := e.Check + " " + e.Action + " " + e.Method + " " + e.Path + ": " + e.Reason
	if len(e.Classes) > 0 && len(e.Places) > 0 {
		s += " (" + e.Classes[0] + " in " + e.Places[0] + ")"
	}
	return s
}
