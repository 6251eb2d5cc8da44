package metrics

import (
	"math"
	"sync/atomic"
)

// classicBounds are the upper bounds of a histogram's classic buckets, in seconds: a check
// takes microseconds, a stuck one its timeout.
var classicBounds = [...]float64{
	5e-6, 1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 5e-2, 0.1, 0.5, 1, 5,
}

// Native (exponential) buckets: NativeSchema 3 has eight for each power of two. Those from
// 2^minExponent s to 2^maxExponent s are kept; what is below counts as zero, what is above
// in the last.
const (
	NativeSchema  = 3
	perPower      = 1 << NativeSchema
	minExponent   = -20 // about a microsecond
	maxExponent   = 6
	nativeBuckets = 1 + (maxExponent-minExponent)*perPower
)

// ZeroThreshold is the upper bound of the native zero bucket, in seconds.
const ZeroThreshold = 1.0 / (1 << -minExponent)

// fractions are the bounds between the buckets of one power of two, for the fraction that
// math.Frexp returns.
var fractions = func() (f [perPower]float64) {
	for i := range f {
		f[i] = math.Exp2(float64(i)/perPower - 1)
	}
	return f
}()

// nativeBucket returns the bucket of a value, 0 for the zero bucket.
func nativeBucket(seconds float64) int {
	if seconds <= ZeroThreshold {
		return 0
	}
	fraction, exponent := math.Frexp(seconds)
	i := 0
	for i < perPower && fractions[i] < fraction {
		i++
	}
	return min(i+(exponent-1)*perPower-minExponent*perPower, nativeBuckets-1)
}

// nativeIndex returns Prometheus' index of a bucket other than 0.
func nativeIndex(bucket int) int { return bucket + minExponent*perPower }

// Snapshot is a histogram at a moment, consistent in itself.
type Snapshot struct {
	Count   uint64
	Sum     float64            // seconds
	Classic map[float64]uint64 // cumulative, by upper bound
	Zero    uint64
	Native  map[int]int64 // by Prometheus' index under NativeSchema
}

// Snapshot reads a histogram.
func (h Histogram) Snapshot() Snapshot {
	s := Snapshot{Classic: make(map[float64]uint64, len(classicBounds)), Native: map[int]int64{}}
	s.Sum = float64(atomic.LoadUint64(&h.slot[0])) / 1e9
	native := h.slot[2+len(classicBounds):]
	for i := range nativeBuckets {
		n := atomic.LoadUint64(&native[i])
		s.Count += n
		switch {
		case i == 0:
			s.Zero = n
		case n > 0:
			s.Native[nativeIndex(i)] = int64(n)
		}
	}
	var sum uint64
	for i, bound := range classicBounds {
		sum += atomic.LoadUint64(&h.slot[2+i])
		s.Classic[bound] = min(sum, s.Count) // one may have been observed meanwhile
	}
	return s
}
