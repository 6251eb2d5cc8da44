package pluginserver

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// Socket is a Unix socket at a path. Somebody else may take the path over, or remove it,
// while the socket is open: nobody can connect to it then.
type Socket struct {
	*net.UnixListener
	path     string
	mode     fs.FileMode
	owner    string
	identity fs.FileInfo // of the path, when it was made
}

// Listen binds a Unix socket at path. It binds under a temporary name beside it and
// renames, so that the path never leads nowhere: a socket left behind is taken over, and
// so is the one of a server that is still running, which keeps its connections. Closing
// the listener leaves the path alone: by then it may belong to a newer server.
//
// The socket gets the permissions of mode, and the owner "user", "user:group" or ":group",
// names or numbers; an empty owner leaves them alone.
func Listen(path string, mode fs.FileMode, owner string) (*Socket, error) {
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
		return nil, folderError(path, err)
	}
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: temporary, Net: "unix"})
	if err != nil {
		return nil, folderError(path, err)
	}
	listener.SetUnlinkOnClose(false)
	s := &Socket{UnixListener: listener, path: path, mode: mode, owner: owner}
	if err := s.settle(temporary, uid, gid); err != nil {
		listener.Close()
		os.Remove(temporary)
		return nil, err
	}
	return s, nil
}

// settle gives the socket its permissions and its name.
func (s *Socket) settle(temporary string, uid, gid int) (err error) {
	if err := os.Chmod(temporary, s.mode); err != nil {
		return fmt.Errorf("socket %s: mode %04o: %w", s.path, s.mode, cause(err))
	}
	if s.owner != "" {
		if err := os.Lchown(temporary, uid, gid); err != nil {
			return fmt.Errorf("socket %s: owner %q: %w", s.path, s.owner, cause(err))
		}
	}
	if s.identity, err = os.Lstat(temporary); err == nil {
		err = os.Rename(temporary, s.path)
	}
	if err != nil {
		return folderError(s.path, err)
	}
	return nil
}

// Path returns where the socket was bound.
func (s *Socket) Path() string { return s.path }

// Lost returns nil while the path leads to this socket, else what has become of the path.
func (s *Socket) Lost() error {
	info, err := os.Lstat(s.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("the socket %s has been removed", s.path)
	case err != nil:
		return fmt.Errorf("the socket %s: %w", s.path, cause(err))
	case info.Mode().Type() != fs.ModeSocket:
		return fmt.Errorf("the socket %s has been replaced by something that is none", s.path)
	case !os.SameFile(info, s.identity):
		return fmt.Errorf("another server has taken the socket %s over", s.path)
	}
	return nil
}

// Rival connects to whoever listens at the path of a socket that has been lost; without
// an error there is nobody if the connection is nil.
func (s *Socket) Rival() (net.Conn, error) {
	conn, err := net.Dial("unix", s.path)
	switch {
	case err == nil:
		return conn, nil
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, fs.ErrNotExist):
		return nil, nil
	}
	return nil, errors.Join(s.Lost(), cause(err))
}

// Again binds the path of a socket that has been lost once more.
func (s *Socket) Again() (*Socket, error) { return Listen(s.path, s.mode, s.owner) }

// folderError says why a socket cannot be made where it should be.
func folderError(path string, err error) error {
	folder := filepath.Dir(path)
	info, statErr := os.Stat(folder)
	switch {
	case errors.Is(statErr, fs.ErrNotExist):
		return fmt.Errorf("socket %s: there is no folder %s: make it, writable for %s", path, folder, userName(os.Geteuid()))
	case statErr != nil:
		return fmt.Errorf("socket %s: folder %s: %w", path, folder, cause(statErr))
	case !info.IsDir():
		return fmt.Errorf("socket %s: %s is no folder", path, folder)
	}
	owner := "unknown"
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		owner = userName(int(stat.Uid)) + ":" + groupName(int(stat.Gid))
	}
	return fmt.Errorf("socket %s: %s cannot make it in folder %s (owner %s, mode %04o): %w",
		path, userName(os.Geteuid()), folder, owner, info.Mode().Perm(), cause(err))
}

// cause returns the system's own error, without the name of a temporary file.
func cause(err error) error {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errno
	}
	return err
}

func userName(uid int) string {
	if u, err := user.LookupId(strconv.Itoa(uid)); err == nil {
		return u.Username
	}
	return strconv.Itoa(uid)
}

func groupName(gid int) string {
	if g, err := user.LookupGroupId(strconv.Itoa(gid)); err == nil {
		return g.Name
	}
	return strconv.Itoa(gid)
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
