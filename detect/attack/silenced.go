package attack

import "kongwaf/detect"

// Silences reports whether a finding that somebody else made is none by this engine's options:
// its class is disabled, or an exception holds, which is returned then.
func (e *Engine) Silences(r *detect.Request, f detect.Finding) (by *detect.Excepted, silent bool) {
	if e.disabled[f.Class] {
		return nil, true
	}
	for i := range e.exceptions {
		if e.exceptions[i].inForce(e) && e.exceptions[i].Silences(r, f.Class, f.Place) {
			return &detect.Excepted{Exception: i, Finding: f}, true
		}
	}
	return nil, false
}

// inForce reports whether the exception has not ended.
func (x *Exception) inForce(e *Engine) bool { return x.Until.IsZero() || e.now().Before(x.Until) }
