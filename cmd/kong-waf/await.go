package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/Kong/go-pdk/server/kong_plugin_protocol"

	"kongwaf/kong/wire"
)

// awaitServer waits until the plugin server of that process id answers on its socket.
func awaitServer(ctx context.Context, socket string, pid int) error {
	const pause = 10 * time.Millisecond
	for {
		_, err := askServer(ctx, socket, pid)
		if err == nil {
			return nil
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return fmt.Errorf("the plugin server does not answer on %s: %w", socket, err)
		}
	}
}

// anybody is the process id for askServer that stands for all.
const anybody = -1

// askServer asks the process of that id for the plugins' names, as Kong may: it takes a
// worker to answer.
func askServer(ctx context.Context, socket string, pid int) (names []string, err error) {
	conn, err := new(net.Dialer).DialContext(ctx, "unix", socket)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if owner, _, err := listenerOf(conn); pid != anybody && (err != nil || owner != pid) {
		// Perhaps one that ours is about to replace.
		return nil, errors.Join(err, fmt.Errorf("process %d listens there, not %d", owner, pid))
	}
	if deadline, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(deadline)
	}
	const sequence = 1
	if _, err := conn.Write(wire.AppendFrame(nil, wire.AppendRPC(nil, wire.RPC{Sequence: sequence, Command: wire.CmdGetPluginNames}))); err != nil {
		return nil, err
	}
	frame, err := wire.ReadFrame(conn, nil, wire.DefaultMaxFrame)
	if err != nil {
		return nil, err
	}
	answer := new(kong_plugin_protocol.RpcReturn)
	if err := proto.Unmarshal(frame, answer); err != nil {
		return nil, err
	}
	if names = answer.GetPluginNames().GetNames(); answer.Sequence != sequence || len(names) == 0 {
		return nil, errors.New("the answer names no plugins")
	}
	return names, nil
}

// listenerOf returns the id of the process that listens at the other end, 0 if it is in
// another container, and whose it is.
func listenerOf(conn net.Conn) (pid, uid int, err error) {
	unixConn, ok := conn.(*net.UnixConn)
	if !ok {
		return 0, 0, fmt.Errorf("connection is a %T", conn)
	}
	raw, err := unixConn.SyscallConn()
	if err != nil {
		return 0, 0, err
	}
	var peerErr error
	err = raw.Control(func(fd uintptr) { pid, uid, peerErr = peerOf(int(fd)) })
	return pid, uid, errors.Join(err, peerErr)
}
