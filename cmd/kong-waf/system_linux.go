package main

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// What the system has a name of its own for.

const readTermios, writeTermios = unix.TCGETS, unix.TCSETS

// ownGroup is a child in a process group of its own that ends with us, even if we are killed.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}

// peerOf returns the id and the user of the process at the other end of a Unix socket.
func peerOf(fd int) (pid, uid int, err error) {
	peer, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil {
		return 0, 0, err
	}
	return int(peer.Pid), int(peer.Uid), nil
}
