package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"kongwaf/kong/kongconf"
)

func (p *patient) sockets() {
	named := p.named()
	if len(named) == 0 {
		p.skip("no plugin of ours is in pluginserver_names")
		return
	}
	first := p.socketOf(named[0])
	for _, name := range named {
		key, v := kongconf.PluginKey(name, "socket"), p.socketOf(name)
		switch {
		case v.At == "":
			p.bad(Failure, fmt.Sprintf("%s is not set: Kong takes %s", key, v.Text), "each plugin would have a socket of its own, in a folder that kong start clears of sockets", line(v, key, "/run/kong-waf/kong-waf.socket"))
		case v.Text != first.Text:
			p.bad(Warning, fmt.Sprintf("%s (%s) is %s, another one than %s", key, v.At, v.Text, first.Text), "one process serves all plugins, on one socket", line(v, key, first.Text))
		}
	}
	if first.At != "" && len(p.startCmds()) == 0 && within(first.Text, p.prefix()) {
		p.bad(Failure, fmt.Sprintf("%s (%s) is in Kong's prefix, %s", first.Text, first.At, p.prefix()), "kong start removes every socket in there, and nobody listens any more",
			"put it elsewhere, and serve there: "+line(first, kongconf.PluginKey(named[0], "socket"), "/run/kong-waf/kong-waf.socket"))
	}
	if !p.Offline {
		p.permissions(first.Text)
	}
	if !p.isBad() {
		p.ok("%s, for each plugin", first.Text)
	}
}

func within(file, folder string) bool {
	return strings.HasPrefix(path.Clean(file), strings.TrimSuffix(folder, "/")+"/")
}

// permissions looks whether Kong's workers may connect to a socket, if it is there.
func (p *patient) permissions(socket string) {
	info, err := os.Stat(socket)
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.Mode().Type() != fs.ModeSocket {
		return // server says that nobody listens
	}
	who, note := p.worker()
	if note != "" {
		p.bad(Warning, note, "whom nginx's workers run as decides whether they may use the socket", line(p.Conf.Get("nginx_user", ""), "nginx_user", "kong kong"))
	}
	if err != nil || who == nil {
		return
	}
	for folder := path.Dir(path.Clean(socket)); ; folder = path.Dir(folder) {
		if at, err := os.Stat(folder); err == nil && !who.may(at, 1) {
			p.bad(Failure, fmt.Sprintf("%s may not enter %s (%s)", who.name, folder, at.Mode().Perm()), "the socket cannot be reached: every request gets 500",
				fmt.Sprintf("chown %s %s", who.name, folder))
		}
		if folder == "/" || folder == "." {
			break
		}
	}
	if !who.may(info, 2) {
		p.bad(Failure, fmt.Sprintf("%s may not write to %s (%s)", who.name, socket, info.Mode().Perm()), "Kong's workers cannot connect: every request gets 500",
			fmt.Sprintf("run kong-waf serve as %s, or set socket.owner: %s in its settings", who.name, who.name))
	}
}

// account is a user with all groups.
type account struct {
	name   string
	uid    int
	groups []int
}

// worker returns whom nginx's workers run as: the user in kong.conf if the master is root,
// else whoever started Kong, for whom we take ourselves. note says what is odd about it.
func (p *patient) worker() (who *account, note string) {
	name, v := p.User, kongconf.Value{}
	if name == "" {
		v = p.Conf.Get("nginx_user", "")
		if v.At == "" {
			v = p.Conf.Get("nginx_main_user", "kong kong")
		}
		if os.Getuid() != 0 && v.At == "" {
			return self(), ""
		}
		name, _, _ = strings.Cut(v.Text, " ")
	}
	found, err := user.Lookup(name)
	if err != nil {
		if p.User == "" && v.At == "" {
			return nil, "" // no such user: Kong is not here
		}
		return nil, fmt.Sprintf("there is no user %q here (%s)", name, where(v))
	}
	who = &account{name: name}
	who.uid, _ = strconv.Atoi(found.Uid)
	ids, _ := found.GroupIds()
	for _, id := range append(ids, found.Gid) {
		if n, err := strconv.Atoi(id); err == nil {
			who.groups = append(who.groups, n)
		}
	}
	return who, ""
}

func self() *account {
	who := &account{name: strconv.Itoa(os.Getuid()), uid: os.Getuid()}
	if u, err := user.Current(); err == nil {
		who.name = u.Username
	}
	who.groups, _ = os.Getgroups()
	who.groups = append(who.groups, os.Getgid())
	return who
}

// may reports whether the user has a right (4, 2, 1 as in modes) to a file by its mode.
func (a *account) may(info fs.FileInfo, right fs.FileMode) bool {
	owner, ok := info.Sys().(*syscall.Stat_t)
	mode := info.Mode().Perm()
	switch {
	case !ok || a.uid == 0:
		return true
	case int(owner.Uid) == a.uid:
		return mode>>6&right != 0
	case slices.Contains(a.groups, int(owner.Gid)):
		return mode>>3&right != 0
	}
	return mode&right != 0
}

func (p *patient) server() {
	switch {
	case p.controlPlane():
		p.skip("a control plane serves no requests, and needs no server")
		return
	case p.Serves == nil || len(p.named()) == 0:
		p.skip("not asked")
		return
	}
	socket := p.socketOf(p.named()[0])
	served, err := p.Serves(p.ctx, socket.Text)
	if err != nil {
		change := "systemctl start kong-waf, or kong-waf serve --socket " + socket.Text
		if len(p.startCmds()) > 0 {
			change = "kong start, and read its error log at log_level = info"
		}
		p.bad(Failure, fmt.Sprintf("nobody answers as a plugin server on %s: %v", socket.Text, err), "every request of a route with our plugins gets 500", change)
		return
	}
	p.served = &served
	for _, name := range p.loaded() {
		if !slices.Contains(served.Names, name) {
			p.bad(Failure, fmt.Sprintf("the server on %s has no %s: it has %s", socket.Text, name, strings.Join(served.Names, ", ")),
				"another program, or an older kong-waf, listens there", "restart kong-waf serve with this binary: systemctl restart kong-waf")
		}
	}
	if who, _ := p.worker(); who != nil && served.UID >= 0 && served.UID != 0 && served.UID != who.uid {
		p.bad(Failure, fmt.Sprintf("the server runs as user %d, Kong's workers as %s (%d)", served.UID, who.name, who.uid),
			"nginx writes long bodies to files that only its own user may read: they cannot be judged", "run kong-waf serve as "+who.name)
	}
	if !p.isBad() {
		p.ok("process %d has %s", served.PID, strings.Join(served.Names, ", "))
	}
}

// bodyFolder is where nginx writes long bodies.
func (p *patient) bodyFolder() string {
	v := p.Conf.Get("nginx_http_client_body_temp_path", "client_body_temp")
	folder, _, _ := strings.Cut(v.Text, " ")
	if !path.IsAbs(folder) {
		folder = path.Join(p.prefix(), folder)
	}
	return folder
}

func (p *patient) bodyFiles() {
	folder := p.bodyFolder()
	here, err := os.Stat(folder)
	switch {
	case p.served == nil:
		p.skip("nobody serves")
	case err != nil:
		p.skip("%s is not there yet: Kong has not started here", folder)
	case p.served.PID == 0:
		// In another container: it sees the folder only if that is a volume.
		text := ""
		if p.MountInfo != nil {
			text, _ = p.MountInfo()
		}
		const why = "bodies above the buffer are in files there; those that the server does not see are answered by on_error"
		change := "mount one emptyDir at " + folder + " in both containers"
		switch mount := mountOf(text, folder); {
		case mount == folder:
			p.ok("%s is a volume: mount it at the same place beside the server", folder)
		case mount != "/" && mount != "" && within(p.socketOf(p.named()[0]).Text, mount):
			p.ok("%s is in the volume of the socket", folder)
		case mount != "/" && mount != "":
			p.bad(Warning, fmt.Sprintf("the server is in another container, and %s in the volume %s, which it may not have", folder, mount), why, change)
		default:
			p.bad(Failure, fmt.Sprintf("the server is in another container, and %s is no volume", folder), why, change)
		}
	default:
		there, err := os.Stat(fmt.Sprintf("/proc/%d/root%s", p.served.PID, folder))
		switch {
		case errors.Is(err, fs.ErrPermission):
			p.skip("process %d is somebody else's: run this as root to see whether it shares %s", p.served.PID, folder)
		case err != nil || !os.SameFile(here, there):
			p.bad(Failure, fmt.Sprintf("process %d sees another %s than this one", p.served.PID, folder),
				"bodies above the buffer are in files there, which the server does not see: they are answered by on_error",
				"mount the folder at the same place for both (with systemd: PrivateTmp, ProtectSystem and RootDirectory must leave it)")
		default:
			p.ok("process %d sees %s", p.served.PID, folder)
		}
	}
}

// mountOf returns where the volume is mounted that a folder is in, by mountinfo.
func mountOf(mountInfo, folder string) (longest string) {
	for text := range strings.Lines(mountInfo) {
		const mountPoint = 4
		fields := strings.Fields(text)
		if len(fields) <= mountPoint || len(fields[mountPoint]) <= len(longest) {
			continue
		}
		if at := fields[mountPoint]; at == folder || within(folder, at) {
			longest = at
		}
	}
	return longest
}
