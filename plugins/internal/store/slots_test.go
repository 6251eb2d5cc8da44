package store

import (
	"fmt"
	"testing"
)

// TestCallersSpreadOverSlots: each caller's keys lie in one of a cluster's 16384 slots, and
// callers are spread evenly over three, six and twelve nodes.
func TestCallersSpreadOverSlots(t *testing.T) {
	const callers, slots = 60_000, 16384
	for _, nodes := range []int{3, 6, 12} {
		load := make([]int, nodes)
		for n := range callers {
			load[slotOf(Key("route", "service", "ip", fmt.Sprint("198.51.", n/256, ".", n%256)))*nodes/slots]++
		}
		for node, got := range load {
			if fair := callers / nodes; got < fair*95/100 || got > fair*105/100 {
				t.Errorf("node %d of %d has %d of %d callers", node, nodes, got, callers)
			}
		}
	}
	if got := slotOf("123456789"); got != 0x31C3 {
		t.Errorf("CRC16 of the specification's example is %x", got)
	}
}

// slotOf is the slot of a hash tag: CRC16 (XMODEM) modulo 16384.
func slotOf(tag string) int {
	crc := uint16(0)
	for _, b := range []byte(tag) {
		crc ^= uint16(b) << 8
		for range 8 {
			carry := crc&0x8000 != 0
			crc <<= 1
			if carry {
				crc ^= 0x1021
			}
		}
	}
	return int(crc % 16384)
}
