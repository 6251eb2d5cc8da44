package console

import (
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"

	"kongwaf/detect/reputation"
	"kongwaf/internal/testtool"
)

// TestListsInABrowser: a person adds and removes without a mouse; hostile words stay words; nothing
// is wider than a phone. The pictures are in screenshots/.
func TestListsInABrowser(t *testing.T) {
	program := testtool.Need(t, "chromium")
	r, lists := listsRig(t, func(o *Options) { o.Node = "node-1" })
	parse := func(text string) reputation.Client {
		c, err := reputation.Parse(text)
		require.NoError(t, err)
		return c
	}
	for _, e := range []reputation.Entry{
		{Client: parse("198.51.100.0/24"), List: reputation.Deny, Reason: "scans us since Monday", Manual: true, Since: now.Add(-50 * time.Hour)},
		{Client: parse("192.0.2.7"), List: reputation.Allow, Reason: "our own monitoring", Manual: true, Since: now.Add(-900 * time.Hour)},
		{Client: parse("key:3f0c9a1e-77b2-4d6e-9f55-0c1b2a3d4e5f"), List: reputation.Deny, Reason: "found in a public repository", Manual: true, Since: now.Add(-time.Hour), Until: now.Add(300 * time.Hour)},
		{Client: parse("203.0.113.9"), List: reputation.Deny, Reason: "20 attacks refused in 5m", Since: now.Add(-time.Minute), Until: now.Add(19 * time.Minute), Node: "node-2"},
		{Client: parse("2001:db8:85a3:1::/64"), List: reputation.Grey, Reason: "5 attacks in 5m", Since: now.Add(-time.Minute), Until: now.Add(9 * time.Minute)},
		{Client: reputation.Consumer(`<img src=x onerror="window.pwned=1">`), List: reputation.Grey, Reason: `"><script>window.pwned=1</script>`, Since: now, Until: now.Add(time.Minute), Node: strings.Repeat("n", 32)},
	} {
		if e.Node == "" {
			e.Node = "node-1"
		}
		lists.all = append(lists.all, e)
	}
	server := httptest.NewServer(r)
	defer server.Close()
	tab := browser(t, program)
	said := complaints(t, tab)
	folder := filepath.Join("..", "..", "screenshots")
	require.NoError(t, os.MkdirAll(folder, 0o755))
	for _, width := range []int64{1400, 390} {
		for _, theme := range []string{"light", "dark"} {
			do(t, tab, chromedp.EmulateViewport(width, 900), media(theme), chromedp.Navigate(server.URL+"/lists"), chromedp.WaitReady(chromedp.CSS("footer")))
			overflow := value[int](t, tab, `document.documentElement.scrollWidth - innerWidth`)
			picture, err := chromedp.Run(tab, chromedp.FullScreenshot(100))
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(filepath.Join(folder, fmt.Sprintf("lists-%d-%s.png", width, theme)), picture, 0o644))
			require.LessOrEqual(t, overflow, 0, "wider than %d", width)
		}
	}
	require.False(t, value[bool](t, tab, `"pwned" in window`))

	do(t, tab, chromedp.Focus(chromedp.CSS("#client")), chromedp.KeyEvent("203.0.113.77"+kb.Enter), chromedp.WaitVisible(chromedp.CSS("tr.event:nth-child(7)")))
	require.Equal(t, reputation.Deny, lists.all[6].List)
	require.Equal(t, now.Add(24*time.Hour), lists.all[6].Until, "a day, unless somebody says more")
	do(t, tab, chromedp.Navigate(server.URL+"/lists?q=203.0.113.77"), chromedp.WaitReady(chromedp.CSS("footer")), chromedp.KeyEvent("j"), chromedp.KeyEvent("\t\t "), chromedp.WaitVisible(chromedp.CSS("tr.event:nth-child(6)")))
	require.Len(t, lists.all, 6, "tab and space remove what is looked at")
	do(t, tab, chromedp.Focus(chromedp.CSS("#client")), chromedp.KeyEvent("nobody"+kb.Enter), chromedp.WaitVisible(chromedp.CSS(".problem")))
	require.Contains(t, value[string](t, tab, `document.querySelector(".problem").textContent`), "is no client")
	// The browser itself says that the page was refused.
	require.Len(t, said(), 1)
	require.Contains(t, said()[0], "400")
}
