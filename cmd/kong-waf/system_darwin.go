package main

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// What the system has a name of its own for.

const readTermios, writeTermios = unix.TIOCGETA, unix.TIOCSETA

// ownGroup is a child in a process group of its own. Should we be killed, it lives on: the
// system has nothing that would end it.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// peerOf returns the id and the user of the process at the other end of a Unix socket.
func peerOf(fd int) (pid, uid int, err error) {
	if pid, err = unix.GetsockoptInt(fd, unix.SOL_LOCAL, unix.LOCAL_PEERPID); err != nil {
		return 0, 0, err
	}
	peer, err := unix.GetsockoptXucred(fd, unix.SOL_LOCAL, unix.LOCAL_PEERCRED)
	if err != nil {
		return 0, 0, err
	}
	return pid, int(peer.Uid), nil
}
