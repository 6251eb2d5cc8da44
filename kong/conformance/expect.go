package conformance

import (
	"encoding/json"
	"fmt"
	"strings"

	"kongwaf/kong/gateway/gatewaytest"
)

// want is what a request must lead to.
type want struct {
	status int
	// message is the text of the answer's JSON body, "" for any.
	message string
	// headers of the answer: name and value in turn; "" means that it is not there, "*"
	// that it is.
	headers []string
	// upstream must have received the request. It never does where status is a refusal.
	upstream bool
	// received looks at what the upstream got, and says what is wrong with it.
	received func(gatewaytest.Received) string
}

// expect sends a call and holds what came of it to what is wanted. show says in a few words
// what the step is.
func (t *trial) expect(show, route string, c call, w want) error {
	answer, received, err := t.send(route, c)
	if err != nil {
		return fmt.Errorf("%s: %w", show, err)
	}
	if problem := w.differs(answer, received); problem != "" {
		return fmt.Errorf("%s: %s", show, problem)
	}
	return nil
}

func (w *want) differs(answer *gatewaytest.Response, received []gatewaytest.Received) string {
	if answer.Status != w.status {
		return fmt.Sprintf("expected %d, got %d %s", w.status, answer.Status, brief(answer.Body))
	}
	if w.message != "" {
		if got := messageOf(answer.Body); got != w.message {
			return fmt.Sprintf("expected the message %q, got %q", w.message, got)
		}
	}
	for i := 0; i+1 < len(w.headers); i += 2 {
		name, value := w.headers[i], w.headers[i+1]
		got := answer.Headers.Values(name)
		switch {
		case value == "" && len(got) > 0:
			return fmt.Sprintf("expected no header %s, got %q", name, got)
		case value == "*" && len(got) > 0 || value == "":
		case len(got) != 1 || got[0] != value:
			return fmt.Sprintf("expected the header %s: %s, got %q", name, value, got)
		}
	}
	switch {
	case !w.upstream && len(received) > 0:
		return "the upstream received a request that was refused"
	case w.upstream && len(received) != 1:
		return fmt.Sprintf("the upstream received %d requests instead of one", len(received))
	case w.received != nil:
		return w.received(received[0])
	}
	return ""
}

// messageOf returns the message of a JSON answer, or what the body says.
func messageOf(body string) string {
	var answer struct {
		Message string `json:"message"`
	}
	if json.Unmarshal([]byte(body), &answer) == nil && answer.Message != "" {
		return answer.Message
	}
	return brief(body)
}

// passes is what a request leads to that nothing stops.
var passes = want{status: 200, upstream: true}

// blocked is what an attack leads to.
var blocked = want{status: 403, message: "Request blocked", headers: []string{"Content-Type", "*"}}

// headerIs says whether the upstream received a header with exactly these values.
func headerIs(r gatewaytest.Received, name string, values ...string) string {
	got := r.Headers.Values(name)
	if strings.Join(got, "\n") != strings.Join(values, "\n") {
		return fmt.Sprintf("the upstream received %s: %q instead of %q", name, got, values)
	}
	return ""
}
