package work

import "testing"

// TestBudgetIsLinear holds that exactly the budget can be spent, in steps of any size.
func TestBudgetIsLinear(t *testing.T) {
	for _, sent := range [...]int{0, 1, 1000, 10 << 20} {
		for _, step := range [...]int{997, 1 << 16, 3 << 20} {
			var m Meter
			m.Begin(sent, nil)
			n := 0
			for m.Spend(step) {
				n++
			}
			if want := (Floor + Factor*sent) / step; n != want {
				t.Errorf("%d bytes sent, steps of %d: %d steps, want %d", sent, step, n, want)
			}
			if m.End() != EndSpent || m.Share() < 1 || m.Spend(0) {
				t.Errorf("%d bytes sent, steps of %d: end %d, share %.2f: want it to be spent for good", sent, step, m.End(), m.Share())
			}
		}
	}
}

// TestLateEnds holds that the deadline is asked for at every stretch and ends the work.
func TestLateEnds(t *testing.T) {
	asked := 0
	var m Meter
	m.Begin(1<<20, func() bool { asked++; return asked > 5 })
	for m.Spend(1000) {
	}
	if m.End() != EndLate || m.Spend(0) {
		t.Errorf("end %d, want it to be late for good", m.End())
	}
	// A request that has spent much of its budget when its time ends is dear, not late.
	var dear Meter
	dear.Begin(1<<20, func() bool { return dear.Spent() > dearFloor+dearFactor<<20 })
	for dear.Spend(1000) {
	}
	if dear.End() != EndSpent || dear.Spend(0) {
		t.Errorf("dear: end %d, want it to be spent for good", dear.End())
	}
	if got := m.Spent(); got < 4*stretch || got > 6*stretch {
		t.Errorf("%d bytes were spent before the fifth question, want about %d", got, 5*stretch)
	}
}

// TestUnpackingIsLinear holds that what is packed has a budget of its own.
func TestUnpackingIsLinear(t *testing.T) {
	var m Meter
	m.Begin(1000, nil)
	if !m.Unpack(UnpackFloor+UnpackFactor*1000, 0) || m.Unpack(1, 0) || m.End() != EndSpent {
		t.Errorf("end %d, want it to be spent by the last byte", m.End())
	}
	m = Meter{}
	if m.Begin(1000, nil); !m.Unpack(1, 0) || !m.Spend(UnpackFloor) {
		t.Error("other work counts as unpacking")
	}
}

// TestDenseBytesAreDear holds that what is packed densely costs the budget of what was sent
// past those that are free.
func TestDenseBytesAreDear(t *testing.T) {
	var m Meter
	m.Begin(1000, nil)
	if !m.Unpack(DenseFree, DenseFree) || m.Spent() != 2*DenseFree {
		t.Errorf("the free ones cost %d, end %d", m.Spent(), m.End())
	}
	if before := m.Spent(); !m.Unpack(10, 10) || m.Spent() != before+10*(Factor+2) {
		t.Errorf("ten more cost %d", m.Spent()-before)
	}
	if m.Unpack(1<<20, 1<<20) || m.End() != EndSpent {
		t.Errorf("end %d, want it to be spent", m.End())
	}
}

// TestShare holds what callers read off a meter that suffices.
func TestShare(t *testing.T) {
	var m Meter
	m.Begin(0, nil)
	m.Spend(Floor / 4)
	if m.Spent() != Floor/4 || m.Share() != 0.25 || m.End() != EndNone {
		t.Errorf("spent %d, share %.2f, end %d; want a quarter of %d and no end", m.Spent(), m.Share(), m.End(), Floor)
	}
}

// TestNilCounts nothing: languages are tested without a budget.
func TestNil(t *testing.T) {
	var m *Meter
	if !m.Spend(1 << 60) {
		t.Error("a nil meter has ended")
	}
}
