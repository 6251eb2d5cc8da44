package attack

import (
	"sync"
	"sync/atomic"
)

// sessions are those of an engine that judge nothing now. A session is large, and worth what
// it remembers. A pool alone forgets it at a garbage collection, and does not find it from
// another processor: so the one that was put back last is kept apart. It serves every request
// of an engine that judges one at a time; what many at once need besides is pooled, so
// that an idle engine holds no more than one.
type sessions struct {
	last atomic.Pointer[session]
	more sync.Pool
}

func (p *sessions) get() *session {
	if s := p.last.Swap(nil); s != nil {
		return s
	}
	return p.more.Get().(*session)
}

func (p *sessions) put(s *session) {
	if !p.last.CompareAndSwap(nil, s) {
		p.more.Put(s)
	}
}
