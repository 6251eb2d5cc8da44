package attack

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"io"
	"math/bits"
	"net/url"
	"strings"
	"testing"

	"kongwaf/detect"
	"kongwaf/detect/attack/value"
)

// TestWorkThatEndsIsAFinding holds that a request which costs more than its size allows is
// blocked for that, whatever else is in it, at every sensitivity.
func TestWorkThatEndsIsAFinding(t *testing.T) {
	bomb := post(jsonType, "["+strings.Repeat(`"`+packed()+`",`, 100)+"1]")
	for _, sensitivity := range [...]Sensitivity{Low, Medium, High} {
		report := newEngine(t, Options{Sensitivity: sensitivity}).Inspect(bomb)
		if !report.Blocked || !report.Truncated || !errors.Is(report.Failure, ErrSpent) {
			t.Errorf("%v: blocked %v, truncated %v, failure %v: want a finding", sensitivity, report.Blocked, report.Truncated, report.Failure)
		}
	}
	// Whoever disables the class must still learn that the request has not been judged.
	report := newEngine(t, Options{DisabledClasses: []detect.Class{detect.ClassProtocol}}).Inspect(bomb)
	if report.Blocked || !errors.Is(report.Failure, ErrSpent) {
		t.Errorf("class protocol disabled: blocked %v, failure %v", report.Blocked, report.Failure)
	}
	if report := newEngine(t, Options{}).Inspect(post(jsonType, `["`+packed()+`"]`)); report.Blocked || report.Failure != nil {
		t.Errorf("harmless twin, one such string: blocked %v, failure %v", report.Blocked, report.Failure)
	}
}

// TestLateCounts holds that what was found before the deadline decides.
func TestLateCounts(t *testing.T) {
	body := "a=" + strings.Repeat("the words of a sentence, and so on; ", 1<<15)
	for _, row := range [...]struct {
		shows, target string
		blocked       bool
	}{
		{shows: "an attack in the query", target: "/?id=" + url.QueryEscape(injection), blocked: true},
		{shows: "harmless twin", target: "/?id=1", blocked: false},
	} {
		r := post(formType, body)
		r.Target, r.Late = row.target, late(3)
		report := newEngine(t, Options{}).Inspect(r)
		if report.Blocked != row.blocked || !report.Truncated || !errors.Is(report.Failure, ErrLate) {
			t.Errorf("%s: blocked %v, truncated %v, failure %v", row.shows, report.Blocked, report.Truncated, report.Failure)
		}
		r.Late = late(1 << 30)
		if report = newEngine(t, Options{}).Inspect(r); report.Blocked != row.blocked || report.Failure != nil {
			t.Errorf("%s, in time: blocked %v, failure %v", row.shows, report.Blocked, report.Failure)
		}
	}
}

// late is a deadline that has passed when it is asked for the nth time.
func late(n int) func() bool {
	return func() bool { n--; return n < 0 }
}

// TestPanicCounts holds that a panic in one language leaves what the others see, and the
// engine usable.
func TestPanicCounts(t *testing.T) {
	for i := range languages {
		sane := languages[i].judge
		languages[i].judge = func(*value.Value) value.Match { panic("a bug") }
		e := newEngine(t, Options{})
		report := e.Inspect(get("/?id=" + url.QueryEscape(injection) + "&x=" + url.QueryEscape("<svg onload=alert(1)>;cat /etc/passwd")))
		languages[i].judge = sane
		var panicked *Panic
		if !report.Blocked {
			t.Errorf("%s: what the others saw was lost", languages[i].name)
		}
		if errors.As(report.Failure, &panicked) && (panicked.Where != languages[i].name || len(panicked.Stack) == 0) {
			t.Errorf("%s: %+v", languages[i].name, panicked)
		}
		if languages[i].name == "sql" && panicked == nil {
			t.Error("sql: the report does not tell of the panic")
		}
		if again := e.Inspect(get("/?id=1")); again.Blocked || again.Failure != nil {
			t.Errorf("%s: the next request: %+v", languages[i].name, again)
		}
	}
}

// TestWhatWasNotJudgedIsNotRemembered holds that a value which a panic or the deadline kept from
// being judged is judged when it comes again.
func TestWhatWasNotJudgedIsNotRemembered(t *testing.T) {
	value0, value1 := url.QueryEscape("1' union select a from b-- "), url.QueryEscape(injection)
	sql := maskOf("sql")
	sane := languages[bits.TrailingZeros32(sql)].judge
	defer func() { languages[bits.TrailingZeros32(sql)].judge = sane }()
	e := newEngine(t, Options{})
	languages[bits.TrailingZeros32(sql)].judge = func(*value.Value) value.Match { panic("a bug") }
	e.Inspect(get("/?a=" + value0 + "&b=" + value1))
	languages[bits.TrailingZeros32(sql)].judge = sane
	if !e.Inspect(get("/?b=" + value1)).Blocked {
		t.Error("the second value on which a language panicked counts as harmless")
	}

	// The body leaves so much of the stretch between two looks at the clock that it ends within
	// the value behind it, wherever in that.
	r, again := post(formType, ""), post(formType, "b="+value1)
	for n := range 200 {
		e := newEngine(t, Options{})
		r.Body = []byte("a=" + strings.Repeat("c", 1<<18-8*n) + "&b=" + value1)
		r.Late = late(1)
		e.Inspect(r)
		if !e.Inspect(again).Blocked {
			t.Errorf("%d bytes: what was not judged in time counts as harmless", len(r.Body))
		}
	}
}

// TestPanicInWalkCounts holds that what was found before a panic elsewhere decides too.
func TestPanicInWalkCounts(t *testing.T) {
	e := newEngine(t, Options{})
	r := post(formType, "a="+strings.Repeat("b, c; ", 1<<20))
	r.Target = "/?id=" + url.QueryEscape(injection)
	asked := 0
	r.Late = func() bool {
		if asked++; asked > 2 {
			panic("a bug of the caller")
		}
		return false
	}
	report := e.Inspect(r)
	var panicked *Panic
	if !report.Blocked || !errors.As(report.Failure, &panicked) || panicked.Where != "walk" {
		t.Errorf("blocked %v, failure %v", report.Blocked, report.Failure)
	}
	if again := e.Inspect(get("/?id=1")); again.Blocked || again.Failure != nil {
		t.Errorf("the next request: %+v", again)
	}
}

// packed is a string of about a kilobyte whose 100 KB are harmless, and dear to many languages.
func packed() string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	io.WriteString(z, strings.Repeat("<p>It's a test; (so) they say: \"we'll see\", & that = all.</p>\r\n", 100<<10/64))
	z.Close()
	return base64.StdEncoding.EncodeToString(b.Bytes())
}
