package place

import "kongwaf/detect"

// weights say what remains of a confidence at a place of a type; a class that is not named
// keeps all of it. "every" stands for all classes but those named.
//
// The factors are chosen so that what is an attack beyond doubt elsewhere is suspicious
// there: it is reported, and blocked at high sensitivity. A program in a place for programs is
// not even that.
var weights = [...]struct {
	every float64
	class map[detect.Class]float64
}{
	Prompt: {every: 0.6},
	Program: {every: 1, class: map[detect.Class]float64{
		detect.ClassRCE: 0.4, detect.ClassSSRF: 0.7, detect.ClassPathTraversal: 0.7, detect.ClassXSS: 0.7, detect.ClassSQLi: 0.7, detect.ClassSSTI: 0.7,
	}},
	Log: {every: 0.7},
	// A random password holds the marks and, by chance, the shortest commands of a shell.
	// What is beyond doubt stays blocked.
	Credential: {every: 1, class: map[detect.Class]float64{detect.ClassRCE: 0.8}},
	// The address was judged when the page itself was asked for. What acts when it is
	// written to a log counts here too.
	Page: {every: 0.6, class: map[detect.Class]float64{detect.ClassRCE: 1}},
	// A page has scripts. What else is in it is judged as ever.
	Markup: {every: 1, class: map[detect.Class]float64{detect.ClassXSS: 0.7}},
}

// Weight returns what remains of a confidence in an attack of the class, as a factor.
func (t Type) Weight(class detect.Class) float64 {
	if int(t) >= len(weights) {
		return 1
	}
	w := &weights[t]
	if factor, ok := w.class[class]; ok {
		return factor
	}
	if w.every == 0 {
		return 1
	}
	return w.every
}
