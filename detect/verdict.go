package detect

// Verdict is what a check concluded about a request, and what is to be done about it.
// The zero value allows the request and changes nothing.
type Verdict struct {
	// Denied says that the request is to be refused with Status and Message.
	Denied bool
	// Failed says that the check could not judge (a fact was unreadable, a store was
	// away); Reason says why. The check's failure policy decides then.
	Failed bool
	// Fault, if not nil, kept the check from judging to the end. It is told to whoever
	// watches failures, also where the check came to a verdict by what it knew.
	Fault error
	// Check names the check that decided, such as "key-auth".
	Check string
	// Reason is a short fixed word for events and metrics, such as "address_denied".
	Reason string
	// List names the list, or the place in the world, by which an address was refused.
	List string

	// Status is the HTTP status of a refusal.
	Status int
	// GRPC is the gRPC status code that a gRPC caller gets for a refusal.
	GRPC int
	// Message is the text of a refusal, for the client to read.
	Message string
	// Body and ContentType replace the usual error body, if ContentType is not empty.
	Body        []byte
	ContentType string

	// Key is the API key that the request came with, if it was recognised; also if it was refused.
	Key Key
	// Report is the attack engine's, nil from other checks.
	Report *Report
	// Rules are the operator's own rules that held, in the order in which they were asked. One
	// that decided stands last.
	Rules []Rule
	Effects
}

// Rule names a rule that an operator has written.
type Rule struct {
	Name, ID string
	// Action is what the rule asks for: block, allow or report.
	Action string
}

// Effects are the changes that a verdict makes to the request on its way to the upstream
// and to the answer on its way to the client. The zero value changes nothing.
type Effects struct {
	// Identity is whom the request was authenticated as, nil if nobody.
	Identity *Identity
	// Upstream edits the headers that the upstream receives.
	Upstream HeaderEdits
	// Response edits the headers that the client receives, also with a refusal.
	Response HeaderEdits
	// Query replaces the raw query string that the upstream receives, if not nil.
	Query *string
	// UpstreamBody replaces the body that the upstream receives, if not nil.
	UpstreamBody []byte
}

// HeaderEdits sets headers, replacing every copy that was there, and clears others.
type HeaderEdits struct {
	Set   []Header
	Clear []string
}

// Identity is an authenticated caller.
type Identity struct {
	Consumer Consumer
	// Credential is the identifier of the credential that was used; never its secret.
	Credential string
}

// Key tells a recognised API key from others, and where it is known from. It holds no secret. The
// zero value is no key.
type Key struct {
	ID, Source string
}

// Consumer is a caller that the gateway knows by name. The zero value is "nobody".
type Consumer struct {
	ID        string
	Username  string
	CustomID  string
	CreatedAt int64
	Tags      []string
}
