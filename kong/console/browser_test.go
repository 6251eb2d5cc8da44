package console

import (
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"

	"kongwaf/internal/testtool"
	"kongwaf/kong/events"
	"kongwaf/kong/metrics"
)

// browser returns a tab of a headless Chromium that talks to nobody but us.
func browser(t *testing.T, program string) context.Context {
	t.Helper()
	options := append([]chromedp.ExecAllocatorOption{}, chromedp.DefaultExecAllocatorOptions[:]...)
	options = append(options, chromedp.ExecPath(program), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-quic", true), chromedp.Flag("no-first-run", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true), chromedp.Flag("hide-scrollbars", true))
	allocator, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	tab, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	require.NoError(t, chromedp.Do(tab)) // starts it
	limited, cancel := context.WithTimeout(tab, 3*time.Minute)
	t.Cleanup(cancel)
	return limited
}

// complaints collects what the browser says of a page: errors, and breaches of its policy.
func complaints(t *testing.T, tab context.Context) func() []string {
	t.Helper()
	var mu sync.Mutex
	var all []string
	require.NoError(t, chromedp.Listen(tab, func(event any) {
		said := ""
		switch e := event.(type) {
		case *runtime.EventExceptionThrown:
			said = e.ExceptionDetails.Text
		case *runtime.EventConsoleAPICalled:
			said = string(e.Type)
		case *log.EventEntryAdded:
			said = e.Entry.Text
		case *page.EventJavascriptDialogOpening:
			said = "dialog: " + e.Message
		default:
			return
		}
		mu.Lock()
		defer mu.Unlock()
		all = append(all, said)
	}))
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		return all
	}
}

// value evaluates an expression on the page.
func value[T any](t *testing.T, tab context.Context, expression string) T {
	t.Helper()
	v, err := chromedp.Run(tab, chromedp.Evaluate[T](expression))
	require.NoError(t, err, expression)
	return v
}

// do carries out steps.
func do(t *testing.T, tab context.Context, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	require.NoError(t, chromedp.Do(tab, steps...))
}

// media makes the system look light or dark.
func media(theme string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: theme}}})
		return err
	})
}

// busyRig is a console with a day like many: attacks of several classes, in waves.
func busyRig(t *testing.T) *rig {
	t.Helper()
	r := newRig(t, func(o *Options) { o.Local, o.Version, o.Node = true, "0.1.0", "node-1" })
	kinds := []struct {
		class, place, path, evidence, route, app string
		action                                   string
	}{
		{"sqli", "query.name", "/api/users", "' OR 1=1 -- ", "api", "shop", events.ActionBlocked},
		{"xss", "body.json.comment", "/api/comments", "<script>fetch('//x')</script>", "comments", "shop", events.ActionBlocked},
		{"ptrav", "path[2]", "/files/../../etc/passwd", "../../etc/passwd", "files", "docs", events.ActionBlocked},
		{"rce", "body.form.host", "/tools/ping", "; cat /etc/passwd", "tools", "intranet", events.ActionReported},
		{"ssrf", "query.url", "/preview", "http://169.254.169.254/latest/", "preview", "docs", events.ActionBlocked},
		{"scanner", "header.user-agent", "/wp-login.php", "probe", "api", "shop", events.ActionBlocked},
		{"", "", "/api/users", "", "api", "", events.ActionBlocked},
	}
	var batch []*events.Event
	for i := range 400 {
		k := kinds[(i*i+i/7)%len(kinds)]
		e := sqli(time.Duration(i*i%1440)*time.Minute+time.Duration(i)*time.Second, k.place, k.path)
		e.Action, e.Evidence, e.RouteName, e.ServiceName, e.Application = k.action, k.evidence, k.route, k.route, k.app
		e.Classes, e.Raw = []string{k.class}, "as%20sent%20"+k.evidence
		e.Client = fmt.Sprintf("203.0.113.%d", 1+(i*7)%9)
		if k.class == "" {
			e.Check, e.Plugin, e.Reason, e.Classes, e.Places, e.Status = "rate-limiting", "waf-rate-limiting", "rate_limited", nil, nil, 429
		}
		if i%11 == 0 {
			e.Count, e.First = 1+i%37, e.Time.Add(-8*time.Second)
		}
		batch = append(batch, e)
	}
	slices.SortFunc(batch, func(a, b *events.Event) int { return a.Time.Compare(b.Time) })
	r.put(t, batch...)
	r.put(t, append(users("body.json.query", "sqli", statement), users("query.title", "ssti", "{{7*7}}")...)...)
	for i, check := range []string{"detect", "ip-restriction", "key-auth", "rate-limiting"} {
		h := r.numbers.Histogram(metrics.CheckSeconds, "waf-"+check, check)
		for n := range 500 {
			h.Observe(time.Duration((60-12*i)+n*n/4000) * time.Microsecond)
		}
		r.numbers.Number(metrics.Requests, "waf-"+check, check, "passed", "").Add(31_415)
	}
	return r
}

// TestScreenshots walks through the console as a person does, on a screen and on a phone, in
// light and dark. The pictures are in screenshots/; nothing may be wider than the screen.
func TestScreenshots(t *testing.T) {
	program := testtool.Need(t, "chromium")
	r := busyRig(t)
	server := httptest.NewServer(r)
	defer func() {
		server.CloseClientConnections() // the live one has no end of its own
		server.Close()
	}()
	for entry, days := range map[string]int{"body.form.article xss POST /wiki/edit": 45, "expects body.json.query sql": 0} {
		r.numbers.Number(metrics.ExceptionIdle, "waf-detect", "9a1f5a44-7f0e-4b9c-9a44-0f6d2f1f7a11", entry).Set(metrics.IdleSince(now.AddDate(0, 0, -days), days == 0))
	}
	tab := browser(t, program)
	said := complaints(t, tab)
	folder := filepath.Join("..", "..", "screenshots")
	require.NoError(t, os.MkdirAll(folder, 0o755))
	list, err := r.store.Events(context.Background(), Filter{fields: map[string]string{"class": "sqli"}}, 0, 1)
	require.NoError(t, err)
	pages := map[string]string{"dashboard": "/", "event": "/event/" + list[0].ID, "filtered": "/?class=xss&range=7d", "empty": "/?client=192.0.2.1", "suggest": "/suggest", "exceptions": "/exceptions"}
	if list[0].Count > 1 {
		pages["event"] += "+"
	}
	for _, width := range []int64{1400, 390} {
		for _, theme := range []string{"light", "dark"} {
			for name, path := range pages {
				if few := name == "filtered" || name == "empty" || name == "exceptions"; few && (width > 600) != (theme == "light") {
					continue // each once on a screen and once on a phone
				}
				do(t, tab, chromedp.EmulateViewport(width, 900), media(theme), chromedp.Navigate(server.URL+path), chromedp.WaitReady(chromedp.CSS("footer")))
				overflow := value[int](t, tab, `document.documentElement.scrollWidth - innerWidth`)
				picture, err := chromedp.Run(tab, chromedp.FullScreenshot(100))
				require.NoError(t, err)
				file := filepath.Join(folder, fmt.Sprintf("%s-%d-%s.png", name, width, theme))
				require.NoError(t, os.WriteFile(file, picture, 0o644))
				require.LessOrEqual(t, overflow, 0, "%s is wider than the screen", file)
			}
		}
	}
	require.Empty(t, said())
}

// TestNothingRuns shows every row of the table in a real browser: in the list, live, on the
// event's page, in filters. Nothing of it runs, and the policy had nothing to stop.
func TestNothingRuns(t *testing.T) {
	program := testtool.Need(t, "chromium")
	r := newRig(t, func(o *Options) { o.Local = true })
	var list []*events.Event
	for i, text := range hostile {
		list = append(list, poisoned(strings.ReplaceAll(text, "alert(1)", "window.pwned=1"), time.Duration(i+1)*time.Minute))
	}
	r.put(t, list...)
	server := httptest.NewServer(r)
	defer func() {
		server.CloseClientConnections() // the live one has no end of its own
		server.Close()
	}()
	tab := browser(t, program)
	said := complaints(t, tab)
	check := func(where string) {
		require.False(t, value[bool](t, tab, `"pwned" in window`), "%s ran", where)
		require.Equal(t, 1, value[int](t, tab, `document.scripts.length + document.querySelectorAll("iframe,object,embed,base,[onerror],[onload],[onclick]").length`),
			"%s: more than the console's own script", where)
	}
	do(t, tab, chromedp.Navigate(server.URL+"/"), chromedp.WaitVisible(chromedp.CSS("#live")))
	check("the dashboard")
	const count = `document.querySelectorAll("tr.event").length`
	before := value[int](t, tab, count)
	var fresh []*events.Event
	for _, text := range hostile {
		fresh = append(fresh, poisoned(strings.ReplaceAll(text, "alert(1)", "window.pwned=1"), 0))
	}
	r.put(t, fresh...)
	do(t, tab, chromedp.WaitVisible(chromedp.CSS(fmt.Sprintf("tr.new:nth-child(%d)", len(fresh)))))
	require.Equal(t, before+len(fresh), value[int](t, tab, count))
	check("a live event")
	for i, e := range list {
		do(t, tab, chromedp.Navigate(server.URL+"/event/"+e.ID), chromedp.WaitReady(chromedp.CSS("footer")))
		check("the page of " + hostile[i])
	}
	for i, text := range hostile {
		poison := strings.ReplaceAll(text, "alert(1)", "window.pwned=1")
		r.put(t, suggestive(poison)...)
		if i%8 == 7 || i == len(hostile)-1 {
			clear(r.suggested.kept)
			do(t, tab, chromedp.Navigate(server.URL+"/suggest"), chromedp.WaitReady(chromedp.CSS("footer")))
			require.Positive(t, value[int](t, tab, `document.querySelectorAll(".suggestion").length`))
			check("the suggestions")
		}
	}
	// Through the page's own links: as filters.
	do(t, tab, chromedp.Navigate(server.URL+"/"), chromedp.WaitReady(chromedp.CSS("footer")))
	links := value[[]string](t, tab, `[...document.querySelectorAll("ol.top a")].map(a => a.href)`)
	require.NotEmpty(t, links)
	for _, link := range links {
		require.True(t, strings.HasPrefix(link, server.URL+"/?"), link)
		do(t, tab, chromedp.Navigate(link), chromedp.WaitReady(chromedp.CSS("footer")))
		check("the filter " + link)
	}
	require.Empty(t, said())
}

// TestKeys: the console is usable without a mouse, and remembers light or dark.
func TestKeys(t *testing.T) {
	program := testtool.Need(t, "chromium")
	r := busyRig(t)
	server := httptest.NewServer(r)
	defer func() {
		server.CloseClientConnections() // the live one has no end of its own
		server.Close()
	}()
	tab := browser(t, program)
	said := complaints(t, tab)
	focused := func() string {
		return value[string](t, tab, `document.activeElement.dataset.url || document.activeElement.id`)
	}
	chosen := func() string { return value[string](t, tab, `document.documentElement.dataset.theme || ""`) }
	do(t, tab, chromedp.Navigate(server.URL+"/"), chromedp.WaitReady(chromedp.CSS("footer")), chromedp.KeyEvent("j"))
	first := focused()
	do(t, tab, chromedp.KeyEvent("j"))
	require.NotEqual(t, first, focused())
	do(t, tab, chromedp.KeyEvent("k"), chromedp.KeyEvent("t"))
	require.Equal(t, first, focused())
	theme := chosen()
	require.NotEmpty(t, theme)
	do(t, tab, chromedp.KeyEvent(kb.Enter), chromedp.WaitVisible(chromedp.CSS(".keys")))
	require.Equal(t, first, value[string](t, tab, `location.pathname`), "Enter opens the row")
	require.Equal(t, theme, chosen(), "light or dark is remembered")
	do(t, tab, chromedp.Navigate(server.URL+"/"), chromedp.WaitReady(chromedp.CSS("footer")), chromedp.KeyEvent("/"))
	require.Equal(t, "search", focused())
	// DevTools types the slash too, other than a keyboard, whose key was taken.
	do(t, tab, chromedp.KeyEvent("api/comments"+kb.Enter), chromedp.WaitVisible(chromedp.CSS(".chip")))
	require.Positive(t, value[int](t, tab, `document.querySelectorAll("tr.event").length`))
	require.Zero(t, value[int](t, tab, `[...document.querySelectorAll("tr.event .request")].filter(c => !c.textContent.includes("/api/comments")).length`))
	require.Empty(t, said())
}
