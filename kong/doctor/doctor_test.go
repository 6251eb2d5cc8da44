package doctor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"kongwaf/kong/declarative"
	"kongwaf/kong/kongconf"
)

var ours = []string{"waf-detect", "waf-gate", "waf-ip-restriction", "waf-key-auth", "waf-rate-limiting"}

// ward is a machine on which all is well, and what a test changes of it.
type ward struct {
	Options
	dir, socket, text string
	environ           []string
	deck              string
}

const goodDeck = `
_format_version: "3.0"
services:
- name: users
  host: users.example.com
  routes:
  - name: users
    paths: [/users]
    plugins:
    - name: waf-gate
      config: {checks: [detect, rate-limiting], detect: {max_body_size: 1048576}, rate_limiting: {policy: redis, redis: {host: redis.example.com, port: 6380}}}
`

func newWard(t *testing.T) *ward {
	t.Helper()
	dir, err := os.MkdirTemp("", "doctor") // short, and without the marks of a test's name
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	w := &ward{dir: dir, socket: filepath.Join(dir, "run", "waf.socket"), deck: goodDeck}
	binary := filepath.Join(dir, "bin", "kong-waf")
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "prefix", "client_body_temp"), 0o755))
	require.NoError(t, os.MkdirAll(filepath.Dir(binary), 0o755))
	require.NoError(t, os.MkdirAll(filepath.Dir(w.socket), 0o755))
	require.NoError(t, os.WriteFile(binary, []byte("program"), 0o755))
	listener, err := net.Listen("unix", w.socket)
	require.NoError(t, err)
	t.Cleanup(func() { listener.Close() })
	me, err := user.Current()
	require.NoError(t, err)

	f := kongconf.Fragment{Socket: w.socket, Binary: binary, Plugins: ours, Head: "raw"}
	require.NoError(t, f.Validate())
	w.text, err = f.Write("conf")
	require.NoError(t, err)
	w.text += "\ndatabase = off\nprefix = " + dir + "/prefix\nnginx_user = " + me.Username + "\ntrusted_ips = 10.0.0.0/8\nreal_ip_header = X-Forwarded-For\n"
	w.Options = Options{
		Plugins: ours, Self: binary, Version: "3.9.1", VersionAt: "kong version", BehindProxy: true, AskedAdmin: true,
		Serves: func(context.Context, string) (Server, error) {
			return Server{Names: ours, PID: os.Getpid(), UID: os.Getuid()}, nil
		},
		Settings:  func() (map[string]string, error) { return map[string]string{"console.token_file": binary}, nil },
		Console:   func(context.Context) error { return nil },
		Redis:     func(context.Context) error { return nil },
		Dial:      func(context.Context, string) error { return nil },
		MountInfo: func() (string, error) { return "", nil },
	}
	return w
}

// takesAll knows our plugins and takes every config, so that Kong's own are those it does not
// know.
type takesAll struct{}

func (takesAll) Names() []string { return ours }

func (takesAll) Validate(_ string, config map[string]any) (map[string]any, []declarative.ConfigProblem) {
	return config, nil
}

// sub replaces a text of kong.conf, which must be there.
func (w *ward) sub(old, by string) {
	if !strings.Contains(w.text, old) {
		panic("kong.conf has no " + old)
	}
	w.text = strings.Replace(w.text, old, by, 1)
}

func (w *ward) examine(t *testing.T) []Finding {
	t.Helper()
	w.Conf = new(kongconf.Conf)
	require.NoError(t, w.Conf.Read("kong.conf", strings.NewReader(w.text)))
	w.Conf.Environ(w.environ)
	w.Environ = w.environ
	if w.deck != "" {
		w.Config, w.Problems = declarative.Parse(declarative.Options{Validator: takesAll{}}, declarative.Source{Name: "kong.yml", Data: []byte(w.deck)})
	}
	return Examine(context.Background(), w.Options)
}

func TestGood(t *testing.T) {
	findings := newWard(t).examine(t)
	var checked []string
	for _, f := range findings {
		require.Equal(t, OK, f.Status, "%+v", f)
		require.Empty(t, f.Why+f.Change)
		checked = append(checked, f.Check)
	}
	require.Equal(t, Checks(), checked)
	require.Equal(t, OK, Worst(findings))
}

// TestFindings: each thing that can be wrong is found, alone, and with what to change. The
// twin of each row is TestGood.
func TestFindings(t *testing.T) {
	const firstServer = "pluginserver_waf_detect_"
	for _, row := range []struct {
		name   string
		ill    func(w *ward)
		check  string
		status Status
		text   string // in the message
		change string
		more   bool // other checks find something too
	}{
		{name: "Kong 2", ill: func(w *ward) { w.Version = "2.8.1" }, check: "kong-version", status: Failure, text: "Kong 2.8.1 (kong version)", change: "3.9"},
		{name: "Kong of tomorrow", ill: func(w *ward) { w.Version = "3.12.0.1-enterprise-edition" }, check: "kong-version", status: Warning, text: "3.12"},
		{name: "unreadable kong.conf", ill: func(w *ward) { w.ConfErr = errors.New("kong.conf: denied") }, check: "kong-conf", status: Failure, text: "denied", change: "--kong-conf"},
		{name: "appended twice", ill: func(w *ward) { w.text = "plugins = bundled,my-plugin\n" + w.text }, check: "kong-conf", status: Warning, text: "plugins stands twice, at kong.conf:1 and kong.conf:", change: "take away kong.conf:1"},
		{name: "misspelt", ill: func(w *ward) { w.text += "trusted_ip = 10.0.0.1\n" }, check: "kong-conf", status: Warning, text: `no setting trusted_ip, did you mean "trusted_ips"?`, change: "take the line away"},
		{name: "none of ours", ill: func(w *ward) { w.text = "database = off\n"; w.deck = "" }, check: "plugins", status: Failure, text: "plugins (Kong's default) names none of waf-detect", change: "kong-waf config kong.conf", more: true},
		{name: "no server for a plugin", ill: func(w *ward) { w.sub("pluginserver_names = waf-detect,", "pluginserver_names = ") }, check: "plugins", status: Failure, text: "waf-detect is in plugins (kong.conf:", change: "pluginserver_names = waf-gate,waf-ip-restriction,waf-key-auth,waf-rate-limiting,waf-detect"},
		{name: "set by the environment", ill: func(w *ward) { w.environ = []string{"KONG_PLUGINS=bundled," + strings.Join(ours[1:], ",")} }, check: "plugins", status: Warning, text: "not in plugins (KONG_PLUGINS)", change: "KONG_PLUGINS=bundled,waf-gate,waf-ip-restriction,waf-key-auth,waf-rate-limiting,waf-detect"},
		{name: "used, not loaded", ill: func(w *ward) {
			w.sub("bundled,waf-detect,waf-gate", "bundled,waf-detect")
			w.sub("names = waf-detect,waf-gate", "names = waf-detect")
		}, check: "plugins", status: Failure, text: "kong.yml:10: waf-gate is used, and not in plugins", change: ",waf-gate"},
		{name: "without bundled", ill: func(w *ward) { w.sub("plugins = bundled,", "plugins = ") }, check: "plugins", status: Warning, text: "without bundled", change: "plugins = bundled,waf-detect"},
		{name: "a Lua plugin of that name", ill: func(w *ward) {
			folder := filepath.Join(w.dir, "lua/kong/plugins/waf-gate")
			_ = os.MkdirAll(folder, 0o755)
			_ = os.WriteFile(filepath.Join(folder, "handler.lua"), nil, 0o644)
			w.text += "lua_package_path = ./?.lua;" + w.dir + "/lua/?.lua;;\n"
		}, check: "plugins", status: Failure, text: "lua/kong/plugins/waf-gate/handler.lua is there", change: "take the folder"},
		{name: "no query command", ill: func(w *ward) { w.sub(firstServer+"query_cmd", "# ") }, check: "query-cmd", status: Failure, text: firstServer + "query_cmd is not set", change: firstServer + "query_cmd = /usr/local/bin/kong-waf info waf-detect"},
		{name: "another plugin's", ill: func(w *ward) { w.sub("info waf-detect", "info waf-gate") }, check: "query-cmd", status: Failure, text: `info waf-gate"`, change: "info waf-detect"},
		{name: "no such program", ill: func(w *ward) { _ = os.Remove(w.Self) }, check: "query-cmd", status: Failure, text: "is no program here", change: "install -m 755 kong-waf", more: true},
		{name: "another build", ill: func(w *ward) { w.Self += "2"; _ = os.WriteFile(w.Self, []byte("newer"), 0o755) }, check: "query-cmd", status: Warning, text: "another build", change: "install -m 755 "},
		{name: "start_cmd", ill: func(w *ward) {
			w.sub("# pluginserver_waf_detect_start_cmd", "pluginserver_waf_detect_start_cmd")
			w.text += "log_level = info\n"
		}, check: "start-cmd", status: Warning, text: firstServer + "start_cmd (kong.conf:", change: "start kong-waf serve before Kong"},
		{name: "start_cmd with a database", ill: func(w *ward) {
			w.sub("# pluginserver_waf_detect_start_cmd", "pluginserver_waf_detect_start_cmd")
			w.sub("database = off", "log_level = debug")
		}, check: "start-cmd", status: Failure, text: firstServer + "start_cmd", change: "take the line away"},
		{name: "two start_cmds", ill: func(w *ward) {
			w.text += "log_level = info\npluginserver_waf_gate_start_cmd = kong-waf serve --socket " + w.socket + "\npluginserver_waf_detect_start_cmd = kong-waf serve --socket " + w.socket + "\n"
		}, check: "start-cmd", status: Failure, text: "2 plugins have a start_cmd", change: "keep one"},
		{name: "start_cmd at another socket", ill: func(w *ward) { w.text += "log_level = info\npluginserver_waf_gate_start_cmd = kong-waf serve\n" }, check: "start-cmd", status: Failure, text: "does not name the socket", change: "kong-waf serve --socket "},
		{name: "start_cmd and variables", ill: func(w *ward) {
			w.text += "log_level = info\npluginserver_waf_gate_start_cmd = kong-waf serve --socket " + w.socket + "\n"
			w.environ = []string{"KONG_WAF_CONSOLE_LISTEN=off"}
		}, check: "start-cmd", status: Warning, text: "Kong passes none of them", change: "--config"},
		{name: "log level", ill: func(w *ward) {
			w.text += "pluginserver_waf_gate_start_cmd = kong-waf serve --socket " + w.socket + "\n"
		}, check: "log-level", status: Warning, text: "log_level = notice (Kong's default)", change: "log_level = info", more: true},
		{name: "no socket named", ill: func(w *ward) { w.sub(firstServer+"socket", "# ") }, check: "socket", status: Failure, text: firstServer + "socket is not set", change: firstServer + "socket = /run/kong-waf/kong-waf.socket", more: true},
		{name: "another socket", ill: func(w *ward) { w.sub("gate_socket = "+w.socket, "gate_socket = /run/other.socket") }, check: "socket", status: Warning, text: "/run/other.socket, another one", change: "pluginserver_waf_gate_socket = "},
		{name: "in the prefix", ill: func(w *ward) { w.Prefix = w.dir + "/run/" }, check: "socket", status: Failure, text: "is in Kong's prefix", change: "/run/kong-waf/kong-waf.socket", more: true},
		{name: "no such user", ill: func(w *ward) { w.User = "nobody-of-that-name" }, check: "socket", status: Warning, text: `no user "nobody-of-that-name"`, change: "nginx_user = kong kong"},
		{name: "may not write", ill: func(w *ward) { w.User = "nobody"; _ = os.Chmod(w.socket, 0o600) }, check: "socket", status: Failure, text: "nobody may not write to", change: "socket.owner: nobody", more: true},
		{name: "may not enter", ill: func(w *ward) {
			w.User = "nobody"
			_ = os.Chmod(w.socket, 0o666)
			_ = os.Chmod(filepath.Dir(w.socket), 0o700)
		}, check: "socket", status: Failure, text: "nobody may not enter", change: "chown nobody ", more: true},
		{name: "nobody listens", ill: func(w *ward) {
			w.Serves = func(context.Context, string) (Server, error) { return Server{}, errors.New("refused") }
		}, check: "server", status: Failure, text: "nobody answers", change: "systemctl start kong-waf"},
		{name: "an older server", ill: func(w *ward) {
			w.Serves = func(context.Context, string) (Server, error) {
				return Server{Names: ours[:4], PID: os.Getpid(), UID: os.Getuid()}, nil
			}
		}, check: "server", status: Failure, text: "has no waf-rate-limiting", change: "restart"},
		{name: "another user's server", ill: func(w *ward) {
			w.Serves = func(context.Context, string) (Server, error) {
				return Server{Names: ours, PID: os.Getpid(), UID: 54321}, nil
			}
		}, check: "server", status: Failure, text: "runs as user 54321", change: "run kong-waf serve as"},
		{name: "more memory than is judged", ill: func(w *ward) { w.text += "nginx_http_client_body_buffer_size = 2m\n" }, check: "body-buffer", status: Warning, text: "max_body_size is 1048576 (kong.yml:10)", change: "nginx_http_client_body_buffer_size = 64k"},
		{name: "much memory", ill: func(w *ward) { w.deck = ""; w.text += "client_body_buffer_size = 64m\n" }, check: "body-buffer", status: Warning, text: "up to 64m"},
		{name: "no size", ill: func(w *ward) { w.text += "nginx_http_client_body_buffer_size = lots\n" }, check: "body-buffer", status: Failure, text: `"lots" is no size`},
		{name: "another container", ill: func(w *ward) {
			w.Serves = func(context.Context, string) (Server, error) {
				return Server{Names: ours, UID: os.Getuid()}, nil
			}
		}, check: "body-files", status: Failure, text: "is no volume", change: "emptyDir at "},
		{name: "another container, and a volume for the prefix", ill: func(w *ward) {
			w.Serves = func(context.Context, string) (Server, error) {
				return Server{Names: ours, UID: os.Getuid()}, nil
			}
			w.MountInfo = func() (string, error) {
				return "35 1 98:0 / / rw - overlay x rw\n36 35 98:0 / " + w.dir + "/prefix rw - ext4 /dev/root rw\n", nil
			}
		}, check: "body-files", status: Warning, text: "which it may not have", change: "client_body_temp in both"},
		{name: "another root", ill: func(w *ward) {
			w.Serves = func(context.Context, string) (Server, error) {
				return Server{Names: ours, UID: os.Getuid(), PID: 1 << 30}, nil
			}
		}, check: "body-files", status: Failure, text: "sees another", change: "mount the folder"},
		{name: "nobody is trusted", ill: func(w *ward) { w.sub("trusted_ips", "# ") }, check: "real-ip", status: Failure, text: "real_ip_header = X-Forwarded-For (kong.conf:", change: "trusted_ips = "},
		{name: "behind a proxy, unset", ill: func(w *ward) { w.sub("trusted_ips", "# "); w.sub("real_ip_header", "# ") }, check: "real-ip", status: Failure, text: "clients come through a proxy", change: "trusted_ips = "},
		{name: "everybody is trusted", ill: func(w *ward) { w.sub("= 10.0.0.0/8", "= 10.0.0.0/8,::/0"); w.text += "real_ip_recursive = on\n" }, check: "real-ip", status: Failure, text: "::/0: everybody", change: "ranges of your proxies"},
		{name: "no range", ill: func(w *ward) { w.sub("= 10.0.0.0/8", "= proxy.example.com") }, check: "real-ip", status: Failure, text: `"proxy.example.com" is no address`},
		{name: "proxies in a row", ill: func(w *ward) { w.sub("= 10.0.0.0/8", "= 10.0.0.0/8, 192.0.2.1") }, check: "real-ip", status: Warning, text: "real_ip_recursive is off", change: "real_ip_recursive = on"},
		{name: "PROXY protocol", ill: func(w *ward) { w.sub("= X-Forwarded-For", "= proxy_protocol") }, check: "real-ip", status: Failure, text: "does not speak it", change: "proxy_listen = "},
		{name: "no line for the head", ill: func(w *ward) { w.sub(kongconf.HeadKey, "# ") }, check: "head", status: Warning, text: "$kong_waf is not set", change: kongconf.HeadKey + " = $kong_waf "},
		{name: "another version's line", ill: func(w *ward) { w.sub("http_version() < 2", "http_version() < 3") }, check: "head", status: Failure, text: "another line", change: "http_version() < 2"},
		{name: "both lines", ill: func(w *ward) { w.text += kongconf.ShortKey + " = " + kongconf.ShortValue + "\n" }, check: "head", status: Warning, text: "set twice"},
		{name: "another variable", ill: func(w *ward) { w.sub(kongconf.HeadValue, `$mine "return 1"`) }, check: "head", status: Warning, text: "another variable", change: kongconf.ShortKey},
		{name: "an older short line", ill: func(w *ward) {
			w.sub(kongconf.HeadKey+" = "+kongconf.HeadValue, kongconf.ShortKey+` = $kong_waf "$request"`)
		}, check: "head", status: Failure, text: kongconf.ShortKey, change: kongconf.ShortValue},
		{name: "settings", ill: func(w *ward) {
			w.Settings = func() (map[string]string, error) { return nil, errors.New("console.listen: is no address") }
		}, check: "settings", status: Failure, text: "console.listen"},
		{name: "a file of settings", ill: func(w *ward) {
			w.Settings = func() (map[string]string, error) {
				return map[string]string{"redis.password_file": w.dir + "/none"}, nil
			}
		}, check: "settings", status: Failure, text: "redis.password_file: open "},
		{name: "console", ill: func(w *ward) {
			w.Console = func(context.Context) error { return errors.New("the config of waf-gate does not compile") }
		}, check: "console", status: Warning, text: "does not compile", change: "console.listen"},
		{name: "Redis of the settings", ill: func(w *ward) { w.Redis = func(context.Context) error { return errors.New("refused") } }, check: "redis", status: Failure, text: "redis.address: refused"},
		{name: "Redis of a plugin", ill: func(w *ward) {
			w.Dial = func(_ context.Context, address string) error { return errors.New(address + " refused") }
		}, check: "redis", status: Failure, text: "kong.yml:10: config.rate_limiting.redis.host: redis.example.com:6380 refused"},
		{name: "a list's file", ill: func(w *ward) {
			w.deck = strings.Replace(goodDeck, "detect: {", "detect: {lists: [{file: /nowhere/list.txt}], ", 1)
		}, check: "files", status: Failure, text: "config.detect.lists[0].file: open /nowhere/list.txt"},
		{name: "a list's source", ill: func(w *ward) {
			w.deck = strings.Replace(goodDeck, "detect: {", "ip_restriction: {lists: [{source: /nowhere/list.txt}], databases: [/nowhere/geo.mmdb]}, detect: {", 1)
		}, check: "files", status: Failure, text: "config.ip_restriction.databases[0]: open /nowhere/geo.mmdb"},
		{name: "a list's server", ill: func(w *ward) {
			w.deck = strings.Replace(goodDeck, "detect: {", "ip_restriction: {lists: [{source: 'https://lists.example.com/a?token=hush'}]}, detect: {", 1)
			w.Dial = func(_ context.Context, address string) error {
				if address == "lists.example.com:443" {
					return errors.New("refused")
				}
				return nil
			}
		}, check: "files", status: Warning, text: "config.ip_restriction.lists[0].source: lists.example.com: refused"},
		{name: "the Admin API", ill: func(w *ward) { w.AdminErr = errors.New("refused") }, check: "admin", status: Failure, text: "refused", change: "check the address"},
		{name: "the Admin API for all", ill: func(w *ward) { w.text += "admin_listen = 0.0.0.0:8001 reuseport, 127.0.0.1:8444 ssl\n" }, check: "admin", status: Warning, text: "every address", change: "admin_listen = 127.0.0.1:8001"},
		{name: "twins", ill: func(w *ward) { w.deck += "plugins:\n- name: rate-limiting\n  config: {minute: 5}\n" }, check: "configuration", status: Warning, text: "waf-gate (kong.yml:10) does the same for the same requests"},
		{name: "a bad file", ill: func(w *ward) { w.deck = strings.Replace(goodDeck, "paths: [/users]", "paths: users", 1) }, check: "configuration", status: Failure, text: "kong.yml:8"},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWard(t)
			row.ill(w)
			findings := w.examine(t)
			found := slices.ContainsFunc(findings, func(f Finding) bool {
				return f.Check == row.check && f.Status == row.status && strings.Contains(f.Message, row.text) &&
					strings.Contains(f.Change, row.change) && f.Why != "" && f.Change != ""
			})
			require.True(t, found, "%+v", findings)
			for _, f := range findings {
				if f.Check != row.check && !row.more {
					require.Contains(t, []Status{OK, Skipped}, f.Status, "%+v", f)
				}
			}
			require.NotEqual(t, OK, Worst(findings))
			require.NotContains(t, fmt.Sprint(findings), "hush", "a secret")
		})
	}
}

// TestNoFindings: what is not wrong though it is unusual.
func TestNoFindings(t *testing.T) {
	for _, row := range []struct {
		name string
		well func(w *ward)
	}{
		{name: "twins on different routes", well: func(w *ward) {
			w.deck += "  - name: other\n    paths: [/other]\n    plugins:\n    - name: rate-limiting\n      config: {minute: 5}\n"
		}},
		{name: "plugins of Kong's own, and certificates", well: func(w *ward) { w.deck += "plugins:\n- name: cors\ncertificates: []\n" }},
		{name: "a twin switched off", well: func(w *ward) { w.deck += "plugins:\n- name: rate-limiting\n  enabled: false\n" }},
		{name: "the shorter line", well: func(w *ward) {
			w.sub(kongconf.HeadKey+" = "+kongconf.HeadValue, kongconf.ShortKey+" = "+kongconf.ShortValue)
		}},
		{name: "the line with other blanks", well: func(w *ward) { w.sub("local v = ngx.var", "local  v  =  ngx.var") }},
		{name: "clients connect themselves", well: func(w *ward) {
			w.sub("trusted_ips", "# ")
			w.sub("real_ip_header", "# ")
			w.BehindProxy = false
		}},
		{name: "a volume", well: func(w *ward) {
			w.Serves = func(context.Context, string) (Server, error) { return Server{Names: ours, UID: os.Getuid()}, nil }
			w.MountInfo = func() (string, error) {
				return "36 35 98:0 / " + w.dir + "/prefix/client_body_temp rw,noatime master:1 - ext4 /dev/root rw\n", nil
			}
		}},
		{name: "bodies in the socket's volume", well: func(w *ward) {
			w.Serves = func(context.Context, string) (Server, error) { return Server{Names: ours, UID: os.Getuid()}, nil }
			_ = os.Mkdir(filepath.Join(w.dir, "run", "bodies"), 0o700)
			w.text += "nginx_http_client_body_temp_path = " + w.dir + "/run/bodies 1 2\n"
			w.MountInfo = func() (string, error) { return "36 35 98:0 / " + w.dir + "/run rw - ext4 /dev/root rw\n", nil }
		}},
		{name: "ranges from a vault", well: func(w *ward) { w.sub("= 10.0.0.0/8", "= {vault://env/ranges}") }},
		{name: "a control plane", well: func(w *ward) {
			w.text += "role = control_plane\n"
			w.Serves = func(context.Context, string) (Server, error) { return Server{}, errors.New("refused") }
		}},
		{name: "files alone", well: func(w *ward) {
			w.Offline = true
			_ = os.RemoveAll(w.dir)
			w.Redis = func(context.Context) error { return errors.New("asked") }
			w.Console = w.Redis
		}},
		{name: "several proxies, recursive", well: func(w *ward) {
			w.sub("= 10.0.0.0/8", "= 10.0.0.0/8, unix:, 2001:db8::/32")
			w.text += "real_ip_recursive = on\n"
		}},
		{name: "variables of others", well: func(w *ward) { w.environ = []string{"KONG_MY_TOKEN=1", "KONG_WAF_CONSOLE_LISTEN=off"} }},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWard(t)
			row.well(w)
			findings := w.examine(t)
			require.Equal(t, OK, Worst(findings), "%+v", findings)
		})
	}
}

// TestNothingIsRun: a command in a kong.conf from elsewhere is looked at, not run.
func TestNothingIsRun(t *testing.T) {
	w := newWard(t)
	trap := filepath.Join(w.dir, "trap")
	script := filepath.Join(w.dir, "kong-waf")
	require.NoError(t, os.WriteFile(script, []byte("#!/bin/sh\ntouch "+trap+"\n"), 0o755))
	w.sub("detect_query_cmd = "+w.Self, "detect_query_cmd = "+script)
	require.Equal(t, Warning, Worst(w.examine(t)))
	require.NoFileExists(t, trap)
}

// FuzzExamine: no text makes it fail, and every finding says all it should.
func FuzzExamine(f *testing.F) {
	f.Add("plugins = waf-gate\npluginserver_names = waf-gate\npluginserver_waf_gate_query_cmd = \n")
	good := kongconf.Fragment{Socket: "/run/w", Binary: "/bin/kong-waf", Plugins: ours, StartCmd: true, BodyBuffer: "64k", Head: "raw"}
	text, err := good.Write("conf")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text + "trusted_ips = 10.0.0.0/8, unix:\nreal_ip_header = proxy_protocol\nadmin_listen = 0.0.0.0:8001\n")
	f.Add("pluginserver_names = waf-gate,waf-gate\npluginserver_waf_gate_start_cmd = x\nprefix =\n")
	f.Fuzz(func(t *testing.T, text string) {
		c := new(kongconf.Conf)
		if c.Read("k", strings.NewReader(text)) != nil {
			return
		}
		for _, finding := range Examine(context.Background(), Options{Conf: c, Plugins: ours, Offline: true}) {
			bad := finding.Status == Warning || finding.Status == Failure
			if finding.Message == "" || bad != (finding.Why != "" && finding.Change != "") {
				t.Fatalf("%+v", finding)
			}
		}
	})
}
