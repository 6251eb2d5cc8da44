package attack

import "kongwaf/detect"

// host returns the host that the request was sent to, as its sender wrote it; "" if he wrote
// none or several.
func (s *session) host() string {
	host := ""
	for i := range s.request.Headers {
		h := &s.request.Headers[i]
		if !detect.EqualFold(h.Name, "host") && h.Name != ":authority" {
			continue
		}
		if host != "" {
			return ""
		}
		host = h.Value
	}
	return host
}
