package extract

import (
	"fmt"
	"strings"
	"testing"

	"kongwaf/detect"
)

// foundText reports whether some leaf of the request contains text.
func foundText(r *detect.Request, lim Limits, text string) (found, truncated bool) {
	var w Walker
	truncated = w.Walk(r, lim, func(l *Leaf) bool {
		found = found || strings.Contains(l.Text, text)
		return true
	})
	return found, truncated
}

// No number of values keeps the last from coming, and what stands below the limit on depths
// still comes; that limit is reported.
func TestNothingIsLostBehindLimits(t *testing.T) {
	const payload = "1' or 1=1--"
	var form, list strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&form, "a%d=1&", i)
		list.WriteString(`"'",`)
	}
	var headers []string
	for i := range 30_000 {
		headers = append(headers, fmt.Sprintf("X-%d: 1", i))
	}
	for _, row := range []struct {
		name string
		req  *shapeRequest
		deep bool
	}{
		{name: "the 100,001st parameter of a form", req: post(formType, form.String()+"z="+payload)},
		{name: "the 100,001st parameter of a query", req: get("/?" + form.String() + "z=" + payload)},
		{name: "the last of 100,000 odd array elements", req: post("application/json", "["+list.String()+`"`+payload+`"]`)},
		{name: "the 30,001st header", req: get("/", append(headers, "X: "+payload)...)},
		{name: "the 100,001st cookie", req: get("/", "Cookie: "+strings.ReplaceAll(form.String(), "&", "; ")+"z="+payload)},
		{name: "below 10,000 arrays", req: post("application/json", strings.Repeat("[", 10_000)+`"`+payload+`"`), deep: true},
		{name: "below 10,000 elements", req: post("text/xml", strings.Repeat("<a>", 10_000)+payload), deep: true},
	} {
		t.Run(row.name, func(t *testing.T) {
			found, truncated := foundText(row.req, Limits{}, payload)
			if !found || truncated != row.deep {
				t.Errorf("found %v, truncated %v", found, truncated)
			}
		})
	}
}

func TestOversizeIsReported(t *testing.T) {
	body := "a=" + strings.Repeat("x", 1000) + "&b=2"
	_, truncated := foundText(post(formType, body), Limits{MaxBody: 500}, "")
	if !truncated {
		t.Error("MaxBody: not truncated")
	}
	for _, r := range []*shapeRequest{{BodyTruncated: true}, {HeadersTruncated: true}} {
		if _, truncated = foundText(r, Limits{}, ""); !truncated {
			t.Errorf("%+v: not truncated", r)
		}
	}
	if _, truncated = foundText(post(formType, body), Limits{}, ""); truncated {
		t.Error("harmless twin: truncated")
	}
}

// An abusive request does not make a long list of findings.
func TestFindingsAreBounded(t *testing.T) {
	var headers []string
	for i := range 1000 {
		headers = append(headers, fmt.Sprintf("Host: %d", i))
	}
	_, _, found := leaves(get("/", headers...), Limits{}, false)
	if len(found) == 0 || len(found) > 20 {
		t.Errorf("%d findings", len(found))
	}
}
