package pluginserver

// State is what a supervisor must know of a connection should its worker die now.
type State uint32

// The states of a connection.
const (
	// StateIdle: no event is under way; another worker can go on with the connection.
	StateIdle State = iota
	// StateEvent: an event has been read and not been answered. Kong must be told.
	StateEvent
	// StateClosing: the event's last bytes are being written. Kong has them, or not.
	StateClosing
)

// Keeper keeps a connection for the case that this process dies.
type Keeper interface {
	// Mark notes the connection's state. It is called before an event's frame is taken
	// from the socket and before and after its last bytes are written.
	Mark(State)
	// Command is called when a command other than an event waits in the socket. It takes
	// the command from there, has it carried out by Server.Answer, writes the answer, and
	// returns when that is done.
	Command() error
}

func (c *conn) nextKept() ([]byte, error) { panic("not yet") }

// mark tells the keeper.
func (c *conn) mark(s State) {
	if c.keeper != nil {
		c.keeper.Mark(s)
	}
}

// write flushes the last bytes of an event.
func (c *conn) write() error {
	c.mark(StateClosing)
	err := c.flush()
	if err == nil {
		c.mark(StateIdle)
	}
	return err
}
