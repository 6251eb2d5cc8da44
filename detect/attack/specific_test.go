package attack

import (
	"testing"

	"github.com/stretchr/testify/require"

	"kongwaf/detect"
	"kongwaf/detect/attack/expect"
)

func TestSpecificFirst(t *testing.T) {
	require.Equal(t, []int{5, 4, 3, 2, 1, 7, 0, 6}, specificFirst([]Exception{
		0: {Class: detect.ClassSQLi},
		1: {Place: "query.*"},
		2: {Place: "query"},
		3: {Place: "query.q"},
		4: {Place: "query.q", PathPrefix: "/a"},
		5: {Place: "query.q", PathPrefix: "/a/b"},
		6: {Class: detect.ClassXSS},
		7: {Place: "*.q"},
	}))
}

// TestTheMostSpecificIsNamed: of exceptions that all hold, the report names the most specific
// one, and only that one counts as used.
func TestTheMostSpecificIsNamed(t *testing.T) {
	var used [][2]int
	engine, err := New(Options{
		Exceptions: []Exception{{Class: detect.ClassSQLi}, {Place: "query.b", Class: detect.ClassSQLi}, {Place: "query.b", Class: detect.ClassSQLi, PathPrefix: "/other"}},
		Expectations: []Expectation{{Place: "query", Content: []expect.Kind{expect.SQL}}, {Place: "query.c", Content: []expect.Kind{expect.SQL}},
			{Place: "query.d", Content: []expect.Kind{expect.HTML}}},
		Used: func(exception, expectation int) { used = append(used, [2]int{exception, expectation}) },
	})
	require.NoError(t, err)
	report := engine.Inspect(&detect.Request{Method: "GET", Target: "/a?b=%27+OR+1=1+--+"})
	require.False(t, report.Blocked)
	require.Equal(t, 1, report.Excepted.Exception)
	require.Equal(t, -1, report.Excepted.Expectation)
	for _, u := range used {
		require.Equal(t, [2]int{1, -1}, u)
	}

	engine, err = New(Options{Expectations: engine.expectations})
	require.NoError(t, err)
	report = engine.Inspect(&detect.Request{Method: "GET", Target: "/a?c=SELECT+name+FROM+users+UNION+SELECT+name+FROM+old"})
	require.False(t, report.Blocked)
	require.Equal(t, 1, report.Excepted.Expectation, "of the two places the narrower one")
	require.Equal(t, -1, report.Excepted.Exception)
}
