package wire

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// Command is what an RPC asks of the server; its value is the field number in go-pdk's RpcCall.
type Command int32

// The commands of the protocol.
const (
	CmdNone              Command = 0 // no command, or one that is not known here
	CmdGetPluginNames    Command = 31
	CmdGetPluginInfo     Command = 32
	CmdStartInstance     Command = 33
	CmdGetInstanceStatus Command = 34
	CmdCloseInstance     Command = 35
	CmdHandleEvent       Command = 36
)

// RPC is a decoded RpcCall message. Its slices alias the frame that it was parsed from.
// Which of them are set depends on Command; the others are empty.
type RPC struct {
	Sequence   int64
	Command    Command
	InstanceID int32  // CmdGetInstanceStatus, CmdCloseInstance, CmdHandleEvent
	Name       []byte // CmdStartInstance, CmdGetPluginInfo: the plugin's name
	Config     []byte // CmdStartInstance: JSON
	Event      []byte // CmdHandleEvent: the phase, "access"
}

var errMessage = errors.New("not an RpcCall message")

// ParseRPC decodes an RpcCall. It accepts what proto.Unmarshal accepts, and names that
// are not UTF-8 besides; unknown fields are skipped. It does not allocate.
func ParseRPC(frame []byte) (RPC, error) {
	var rpc RPC
	for len(frame) > 0 {
		num, typ, n := protowire.ConsumeTag(frame)
		if n < 0 {
			return RPC{}, fmt.Errorf("%w: %w", errMessage, protowire.ParseError(n))
		}
		value := frame[n:]
		size := protowire.ConsumeFieldValue(num, typ, value)
		if size < 0 {
			return RPC{}, fmt.Errorf("%w: %w", errMessage, protowire.ParseError(size))
		}
		frame = value[size:]
		switch {
		case num == 1 && typ == protowire.VarintType:
			v, _ := protowire.ConsumeVarint(value)
			rpc.Sequence = int64(v)
		case num >= 31 && num <= 36 && typ == protowire.BytesType:
			body, _ := protowire.ConsumeBytes(value)
			// Another command replaces the one before: they are one oneof.
			if cmd := Command(num); cmd != rpc.Command {
				rpc = RPC{Sequence: rpc.Sequence, Command: cmd}
			}
			if err := rpc.parseCommand(body); err != nil {
				return RPC{}, err
			}
		}
	}
	return rpc, nil
}

// parseCommand decodes the message inside the command's field.
func (rpc *RPC) parseCommand(body []byte) error {
	for len(body) > 0 {
		num, typ, n := protowire.ConsumeTag(body)
		if n < 0 {
			return fmt.Errorf("%w: command %d: %w", errMessage, rpc.Command, protowire.ParseError(n))
		}
		value := body[n:]
		size := protowire.ConsumeFieldValue(num, typ, value)
		if size < 0 {
			return fmt.Errorf("%w: command %d: %w", errMessage, rpc.Command, protowire.ParseError(size))
		}
		body = value[size:]
		switch typ {
		case protowire.VarintType:
			if num == 1 && rpc.Command >= CmdGetInstanceStatus {
				v, _ := protowire.ConsumeVarint(value)
				rpc.InstanceID = int32(v)
			}
		case protowire.BytesType:
			v, _ := protowire.ConsumeBytes(value)
			switch {
			case num == 1 && (rpc.Command == CmdStartInstance || rpc.Command == CmdGetPluginInfo):
				rpc.Name = v
			case num == 2 && rpc.Command == CmdStartInstance:
				rpc.Config = v
			case num == 2 && rpc.Command == CmdHandleEvent:
				rpc.Event = v
			}
		}
	}
	return nil
}

// AppendRPC appends an RpcCall message, as Kong would send it, to dst.
func AppendRPC(dst []byte, rpc RPC) []byte {
	if rpc.Sequence != 0 {
		dst = protowire.AppendTag(dst, 1, protowire.VarintType)
		dst = protowire.AppendVarint(dst, uint64(rpc.Sequence))
	}
	if rpc.Command == CmdNone {
		return dst
	}
	var body []byte
	if rpc.InstanceID != 0 {
		body = protowire.AppendTag(body, 1, protowire.VarintType)
		body = protowire.AppendVarint(body, uint64(int64(rpc.InstanceID)))
	}
	if len(rpc.Name) > 0 {
		body = appendBytes(body, 1, rpc.Name)
	}
	if len(rpc.Config) > 0 {
		body = appendBytes(body, 2, rpc.Config)
	}
	if len(rpc.Event) > 0 {
		body = appendBytes(body, 2, rpc.Event)
	}
	return appendBytes(dst, protowire.Number(rpc.Command), body)
}

// AppendReturn appends an RpcReturn message that holds nothing but the sequence number
// of the call that it answers.
func AppendReturn(dst []byte, sequence int64) []byte {
	if sequence == 0 {
		return dst
	}
	dst = protowire.AppendTag(dst, 1, protowire.VarintType)
	return protowire.AppendVarint(dst, uint64(sequence))
}

// Status is what an RpcReturn says of an instance. Its config is left out: nobody asks
// for it, and it may hold secrets.
type Status struct {
	Name      string
	ID        int32
	StartedAt int64 // seconds since 1970
}

// AppendStatus appends an RpcReturn message with an instance's status to dst.
func AppendStatus(dst []byte, sequence int64, status Status) []byte {
	var body []byte
	if status.Name != "" {
		body = appendBytes(body, 1, []byte(status.Name))
	}
	if status.ID != 0 {
		body = protowire.AppendTag(body, 2, protowire.VarintType)
		body = protowire.AppendVarint(body, uint64(int64(status.ID)))
	}
	if status.StartedAt != 0 {
		body = protowire.AppendTag(body, 4, protowire.VarintType)
		body = protowire.AppendVarint(body, uint64(status.StartedAt))
	}
	return appendBytes(AppendReturn(dst, sequence), 33, body)
}

// AppendExit appends the call of kong.response.exit to dst, both frames. Kong answers
// the request with it, never answers the call, and drops the connection.
func AppendExit(dst []byte, status int, contentType, body string) []byte {
	var args []byte
	args = protowire.AppendTag(args, 1, protowire.VarintType)
	args = protowire.AppendVarint(args, uint64(status))
	args = appendBytes(args, 2, []byte(body))
	// google.protobuf.Struct{fields: {"Content-Type": {string_value: contentType}}}
	value := appendBytes(nil, 3, []byte(contentType))
	field := appendBytes(appendBytes(nil, 1, []byte("Content-Type")), 2, value)
	args = appendBytes(args, 3, appendBytes(nil, 1, field))
	return AppendCall(dst, Call{Method: MethodExit, Args: args})
}

// MethodExit is the PDK call that answers the request.
const MethodExit = "kong.response.exit"

func appendBytes(dst []byte, num protowire.Number, v []byte) []byte {
	dst = protowire.AppendTag(dst, num, protowire.BytesType)
	return protowire.AppendBytes(dst, v)
}

// AppendPluginNames appends an RpcReturn message with the names of the plugins to dst.
func AppendPluginNames(dst []byte, sequence int64, names []string) []byte {
	var body []byte
	for _, name := range names {
		body = appendBytes(body, 1, []byte(name))
	}
	return appendBytes(AppendReturn(dst, sequence), 31, body)
}

// PluginInfo is what an RpcReturn says of a plugin.
type PluginInfo struct {
	Name     string
	Phases   []string
	Version  string
	Priority int32
	Schema   string // JSON
}

// AppendPluginInfo appends an RpcReturn message with what is known of a plugin to dst.
func AppendPluginInfo(dst []byte, sequence int64, info PluginInfo) []byte {
	body := appendBytes(nil, 1, []byte(info.Name))
	for _, phase := range info.Phases {
		body = appendBytes(body, 4, []byte(phase))
	}
	body = appendBytes(body, 5, []byte(info.Version))
	body = protowire.AppendTag(body, 6, protowire.VarintType)
	body = protowire.AppendVarint(body, uint64(int64(info.Priority)))
	body = appendBytes(body, 7, []byte(info.Schema))
	return appendBytes(AppendReturn(dst, sequence), 32, body)
}
