package wafdetect

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"kongwaf/detect"
	"kongwaf/plugins/internal/facts"
)

// asked returns facts about a request for a target.
func asked(target string) *facts.Facts {
	f := request("")
	f.Request.Target = target
	f.Request.ClientIP = netip.MustParseAddr("198.51.100.7")
	return f
}

const patches = `"rules":[
	{"name":"probe","action":"allow","path":"/health","clients":["198.51.100.0/24"]},
	{"name":"old","action":"report","path":"/v1/*"},
	{"name":"export","id":"CVE-1","path":"*/export","conditions":[{"place":"query.target","matches":"^[a-z]+$","negate":true}]},
	{"name":"role","status":400,"message":"No","conditions":[{"place":"body.form.role","is":"present"}]}
]`

func TestRules(t *testing.T) {
	block := compile(t, `{`+patches+`}`)
	v := block.Judge(asked("/export?target=..%2fx"))
	require.True(t, v.Denied)
	require.Equal(t, 403, v.Status)
	require.Equal(t, "rule", v.Reason)
	require.Equal(t, []detect.Rule{{Name: "export", ID: "CVE-1", Action: "block"}}, v.Rules)
	require.Zero(t, block.Judge(asked("/export?target=all")), "the harmless twin")

	f := asked("/")
	f.Request.Body = []byte("a=b&r%6fle=root")
	v = block.Judge(f)
	require.Equal(t, 400, v.Status)
	require.Equal(t, "No", v.Message)
	require.Zero(t, block.Judge(asked("/")))

	v = block.Judge(asked("/v1/export?target=9"))
	require.True(t, v.Denied)
	require.Len(t, v.Rules, 2, "what reported it before is told too")
	v = block.Judge(asked("/v1/a"))
	require.False(t, v.Denied)
	require.Equal(t, "rule", v.Reason)

	v = block.Judge(asked("/v1/a?b=%27+OR+1=1+--+"))
	require.True(t, v.Denied, "a rule that reports does not end the judging")
	require.Equal(t, "attack", v.Reason)
	require.Equal(t, "old", v.Rules[0].Name)
}

// TestRuleAllows: an allowed request is not judged, and is nobody's event; from elsewhere it is.
func TestRuleAllows(t *testing.T) {
	one := compile(t, `{"upstream_verdict":true,"on_oversize":"deny",`+patches+`}`)
	const attack = "/health?b=%27+OR+1=1+--+"
	f := asked(attack)
	f.Request.BodyTruncated = true
	v := one.Judge(f)
	require.False(t, v.Denied)
	require.Empty(t, v.Reason)
	require.Equal(t, "allowed", v.Upstream.Set[0].Value)
	f = asked(attack)
	f.Request.ClientIP = netip.MustParseAddr("203.0.113.1")
	require.True(t, one.Judge(f).Denied)
	require.True(t, one.Judge(asked("/health/../a?b=%27+OR+1=1+--+")).Denied)
}

func TestRulesInModes(t *testing.T) {
	target := "/export?target=9"
	v := compile(t, `{"mode":"monitoring",`+patches+`}`).Judge(asked(target))
	require.False(t, v.Denied)
	require.Equal(t, "rule", v.Reason, "monitoring reports what a rule would block")
	require.Equal(t, "export", v.Rules[0].Name)
	require.Zero(t, compile(t, `{"mode":"off",`+patches+`}`).Judge(asked(target)))
	require.True(t, compile(t, `{"mode":"safe_blocking","grey":["198.51.100.7"],`+patches+`}`).Judge(asked(target)).Denied)
	require.False(t, compile(t, `{"mode":"safe_blocking","grey":["203.0.113.1"],`+patches+`}`).Judge(asked(target)).Denied)
}

// TestRulesSeeWhatIsNotInspected: the parts that the engine leaves out are read for rules that
// ask for them, and only then.
func TestRulesSeeWhatIsNotInspected(t *testing.T) {
	one := compile(t, `{"inspect":["path"],"rules":[{"name":"a","conditions":[{"place":"body.form.x","equals":["y"]},{"place":"header.h","is":"absent"}]}]}`)
	require.NotZero(t, one.Need.Kinds&facts.Body)
	require.True(t, one.Judge(request("")).Denied)
	f := request("")
	f.Request.Body, f.BodyErr = nil, errUnreadable{}
	require.True(t, one.Judge(f).Failed, "a body that cannot be read is no empty body")
	none := compile(t, `{"inspect":["path"],"rules":[{"name":"a","clients":["192.0.2.1"]}]}`)
	require.Equal(t, facts.RequestLine|facts.ClientIP, none.Need.Kinds)
	for _, rule := range []string{`"path":"/x"`, `"methods":["PUT"]`} {
		named := compile(t, `{"inspect":["path"],"rules":[{"name":"a",`+rule+`}]}`)
		require.NotZero(t, named.Need.Kinds&facts.Headers, "headers may name another: %s", rule)
	}
}

func TestBadRules(t *testing.T) {
	many := strings.TrimSuffix(strings.Repeat(`{"place":"query.a","is":"present"},`, 17), ",")
	for rules, want := range map[string]string{
		`{"name":"a"}`:                                                                                  "config.rules[0].no condition is set",
		`{"path":"/a"}`:                                                                                 "config.rules[0].name",
		`{"name":"a","path":"/a","action":"x"}`:                                                         "config.rules[0].action",
		`{"name":"a","path":"a"}`:                                                                       "config.rules[0].path",
		`{"name":"a","path":"/a"},{"name":"a","path":"/b"}`:                                             `config.rules[1].name: rule 0 has the name "a" too`,
		`{"name":"a","clients":["10.0.0.0/99"]}`:                                                        "config.rules[0].clients[0]",
		`{"name":"a","except_clients":["office"]}`:                                                      "config.rules[0].except_clients[0]",
		`{"name":"a","status":200,"path":"/"}`:                                                          "config.rules[0].status",
		`{"name":"a","conditions":[{"place":"query.a"}]}`:                                               "config.rules[0].conditions[0].place: nothing is asked",
		`{"name":"a","conditions":[{"place":"argument.a","is":"present"}]}`:                             "config.rules[0].conditions[0].place",
		`{"name":"a","conditions":[{"is":"present"}]}`:                                                  "config.rules[0].conditions[0].place",
		`{"name":"a","conditions":[{"place":"query.a","is":"there"}]}`:                                  "config.rules[0].conditions[0].is",
		`{"name":"a","conditions":[{"place":"query.a","matches":"(?<=a)b"}]}`:                           "config.rules[0].conditions[0].matches",
		`{"name":"a","conditions":[{"place":"query.a","matches":"` + strings.Repeat("a", 1025) + `"}]}`: "config.rules[0].conditions[0].matches",
		`{"name":"a","conditions":[{"place":"query.a","longer_than":0}]}`:                               "config.rules[0].conditions[0].longer_than",
		`{"name":"a","conditions":[` + many + `]}`:                                                      "config.rules[0].conditions: 17",
	} {
		err := badConfig(t, `{"rules":[`+rules+`]}`)
		require.ErrorContains(t, err, want, rules)
	}
}
