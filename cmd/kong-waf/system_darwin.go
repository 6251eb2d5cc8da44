package main

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// What the system has a name of its own for.

const readTermios = unix.TIOCGETA

// ownGroup is a child in a process group of its own. Should we be killed, it lives on: the
// system has nothing that would end it.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// peerOf returns the id of the process at the other end of a Unix socket.
func peerOf(fd int) (pid int, err error) {
	return unix.GetsockoptInt(fd, unix.SOL_LOCAL, unix.LOCAL_PEERPID)
}
