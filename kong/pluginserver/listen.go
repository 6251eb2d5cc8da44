package pluginserver

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/user"
	"strconv"
	"strings"
)

// Listen binds a Unix socket at path. It binds under a temporary name beside it and
// renames, so that the path never leads nowhere: a socket left behind is taken over, and
// so is the one of a server that is still running, which keeps its connections. Closing
// the listener leaves the path alone: by then it may belong to a newer server.
//
// The socket gets the permissions of mode, and the owner "user", "user:group" or ":group",
// names or numbers; an empty owner leaves them alone.
func Listen(path string, mode fs.FileMode, owner string) (*net.UnixListener, error) {
	uid, gid, err := parseOwner(owner)
	if err != nil {
		return nil, err
	}
	if info, err := os.Lstat(path); err == nil && info.Mode().Type() != fs.ModeSocket {
		return nil, fmt.Errorf("%s exists and is no socket: remove it or choose another path", path)
	}
	temporary := path + "." + strconv.Itoa(os.Getpid())
	// sockaddr_un has 108 bytes, the last a NUL; the kernel's own message is no help.
	if len(temporary) > 107 {
		return nil, fmt.Errorf("socket path %q is too long: at most %d bytes", path, 107-(len(temporary)-len(path)))
	}
	if err := os.Remove(temporary); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: temporary, Net: "unix"})
	if err != nil {
		return nil, err
	}
	listener.SetUnlinkOnClose(false)
	err = os.Chmod(temporary, mode)
	if err == nil && owner != "" {
		err = os.Lchown(temporary, uid, gid)
	}
	if err == nil {
		err = os.Rename(temporary, path)
	}
	if err != nil {
		listener.Close()
		os.Remove(temporary)
		return nil, fmt.Errorf("socket %s: %w", path, err)
	}
	return listener, nil
}

// parseOwner returns the ids of "user:group", -1 for a part that is missing.
func parseOwner(owner string) (uid, gid int, err error) {
	uid, gid = -1, -1
	name, group, _ := strings.Cut(owner, ":")
	if name != "" {
		if uid, err = strconv.Atoi(name); err != nil {
			u, err := user.Lookup(name)
			if err != nil {
				return 0, 0, fmt.Errorf("socket owner %q: %w", owner, err)
			}
			uid, _ = strconv.Atoi(u.Uid)
		}
	}
	if group != "" {
		if gid, err = strconv.Atoi(group); err != nil {
			g, err := user.LookupGroup(group)
			if err != nil {
				return 0, 0, fmt.Errorf("socket owner %q: %w", owner, err)
			}
			gid, _ = strconv.Atoi(g.Gid)
		}
	}
	return uid, gid, nil
}
