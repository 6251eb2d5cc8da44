package supervisor

import (
	"io"
	"net"
	"os"
	"sync"
	"time"

	"kongwaf/kong/pluginserver"
)

// owner accepts connections for a supervisor, and watches over the path that Kong connects
// to. Another server may take it over, as at a reload of Kong's; when that one has ended and
// this one still lives, Kong would find nobody. Or somebody removes it, as Kong does with
// the sockets in its prefix that it finds when it starts.
type owner struct {
	s        *Supervisor
	socket   *pluginserver.Socket
	listener *os.File   // a copy of the socket's descriptor
	accepted chan error // what ended the accepting
	rival    net.Conn   // to whoever has the path; nil while nobody else is known to
	gone     chan bool  // closed when that one has ended
	met      time.Time  // when rival was opened

	mu   sync.Mutex
	lost error // guarded by mu
}

// lookEvery is how often an owner looks at its path.
const lookEvery = 200 * time.Millisecond

// start accepts connections from a socket.
func (o *owner) start(socket *pluginserver.Socket) (err error) {
	listener, err := rawFile(socket.UnixListener)
	if err != nil {
		return err
	}
	accepted := make(chan error, 1)
	go func() { accepted <- o.s.accept(listener) }()
	o.socket, o.listener, o.accepted = socket, listener, accepted
	return nil
}

// stop accepts no more. What has come before is accepted.
func (o *owner) stop() {
	o.listener.Close()
	<-o.accepted
	o.socket.Close()
}

// run looks after the path until quit is closed, or no connection can be accepted.
func (o *owner) run(quit <-chan struct{}) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-quit:
			return nil
		case err := <-o.accepted:
			o.accepted <- err // for stop
			return err
		case <-o.gone:
			if o.part(); time.Since(o.met) > lookEvery { // else it hangs up at once, and would again
				o.look()
			}
		case <-tick.C:
			o.look()
		}
	}
}

// leave accepts for some time what comes late: at a reload of Kong's the next server may
// listen a moment after this one was told to end.
func (o *owner) leave() {
	timing, start := o.s.timing, time.Now()
	for late := time.Duration(0); late < timing.Accept && o.socket.Lost() == nil; late = time.Since(start) {
		quiet := time.Since(o.s.lastHeld(start))
		if quiet >= timing.Linger || len(o.accepted) > 0 {
			break
		}
		time.Sleep(min(timing.Linger-quiet, lookEvery/10))
	}
	o.stop()
	o.part()
}

// why returns why Kong can open no connection to this server, nil if it can.
func (o *owner) why() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.lost
}

// look notices that the path has been lost, says so once, and takes it back where nobody
// listens.
func (o *owner) look() {
	before, now := o.why(), o.socket.Lost()
	if now != nil && before == nil {
		o.s.log.Warn("Kong can open no more connections to this server", "reason", now)
		before = now
	}
	if now != nil {
		now = o.takeBack(now)
	}
	if now == nil && before != nil {
		o.part()
		o.s.log.Warn("the socket is this server's again", "socket", o.socket.Path())
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.lost = now
}

// takeBack binds the path again, if nobody listens there. Who does is not asked again and
// again, but held by a connection that ends when he does.
func (o *owner) takeBack(lost error) error {
	if o.rival != nil {
		return lost
	}
	rival, err := o.socket.Rival()
	if err != nil {
		return err
	}
	if rival != nil {
		gone := make(chan bool)
		go func() {
			_, _ = io.Copy(io.Discard, rival)
			close(gone)
		}()
		o.rival, o.gone, o.met = rival, gone, time.Now()
		return lost
	}
	again, err := o.socket.Again()
	if err != nil {
		return err
	}
	old := owner{socket: o.socket, listener: o.listener, accepted: o.accepted}
	if err := o.start(again); err != nil {
		again.Close()
		return err
	}
	old.stop()
	return nil
}

// part ends the connection to the rival.
func (o *owner) part() {
	if o.rival != nil {
		o.rival.Close()
		o.rival, o.gone = nil, nil
	}
}
