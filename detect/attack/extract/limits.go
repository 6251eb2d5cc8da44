package extract

// Limits bound the work on one request. The zero value of each field means its default.
type Limits struct {
	// MaxBody is how many bytes of the body are handed out whole, before and after
	// decompression each. Behind them the structure of forms, multipart bodies, JSON and XML
	// is walked to its end, and values are handed out; of what is long there, of files only the
	// first and the last 16 KiB, of values of more than 1 MiB the beginning and the last 16 KiB.
	// Default 8 MiB.
	MaxBody int
	// MaxDepth is how deep containers of one format may nest (objects in arrays in objects)
	// before places become vague. Deeper values are still handed out. Default 64.
	MaxDepth int
	// MaxNesting is how many containers may be found inside each other's values: JSON in a
	// form in base64. Default 6.
	MaxNesting int
	// MaxRatio is how many times its size a compressed body may grow. Past it (and past
	// half a MiB of output) decompression stops. Default 100.
	MaxRatio int
	// MaxUnpacked is how many bytes decompression may yield in all for one request. Default
	// sixteen times MaxBody.
	MaxUnpacked int
	// All hands out also what no attack can stand in: valid JSON numbers, booleans and nulls,
	// empty texts, names that were handed out before, short segments of the path, and the
	// text of JSON web tokens and GraphQL documents beside what is in them.
	All bool
	// GraphQL bounds GraphQL documents.
	GraphQL GraphQLLimits
}

// GraphQLLimits are what a GraphQL document may contain before it counts as abusive. The
// zero value of each field means its default; a negative number switches the check off.
type GraphQLLimits struct {
	// MaxDepth is the depth of selection sets. Default 15.
	MaxDepth int
	// MaxAliases is the number of aliased fields in one document. Default 50.
	MaxAliases int
	// MaxBatch is the number of operations in one request. Default 10.
	MaxBatch int
	// MaxDirectives is the number of directives in one document. Default 50.
	MaxDirectives int
	// MaxRepeats is how often fields of one selection may be repeated. Default 30.
	MaxRepeats int
	// Introspection is the confidence of the finding for a document that asks for the whole
	// __schema; asking for a single __type, as some applications do, counts for three
	// fifths of it. Default 0.75.
	Introspection float64
	// Collect keeps the documents for Walker.Documents.
	Collect bool
	// Declared says that the request is GraphQL's, so that of what is collected everything
	// called query is a document, whatever it looks like.
	Declared bool
}

func (l Limits) withDefaults() Limits {
	def := func(field *int, n int) {
		if *field == 0 {
			*field = n
		}
	}
	def(&l.MaxBody, 8<<20)
	def(&l.MaxDepth, 64)
	def(&l.MaxNesting, 6)
	def(&l.MaxRatio, 100)
	def(&l.MaxUnpacked, 16*l.MaxBody)
	def(&l.GraphQL.MaxDepth, 15)
	def(&l.GraphQL.MaxAliases, 50)
	def(&l.GraphQL.MaxBatch, 10)
	def(&l.GraphQL.MaxDirectives, 50)
	def(&l.GraphQL.MaxRepeats, 30)
	if l.GraphQL.Introspection == 0 {
		l.GraphQL.Introspection = 0.75
	}
	l.MaxNesting = min(l.MaxNesting, nestingCap)
	return l
}
