package graphql

import (
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/lexer"
)

// tokens is what the tokens of a document show without a parser.
type tokens struct {
	count   int
	nesting int // of all brackets together
	// What the document has of these, fragments counted where they are defined.
	depth, aliases, directives int
	introspection              string
	whole                      bool // it is made of tokens to its end
}

// scan counts tokens up to maxTokens, and reads no further.
func scan(source *ast.Source) (t tokens) {
	lex := lexer.New(source)
	open, braces, parens := 0, 0, 0
	word, previous := "", lexer.Invalid
	for t.count <= maxTokens {
		token, err := lex.ReadToken()
		if err != nil {
			return t
		}
		t.count++
		switch token.Kind {
		case lexer.EOF:
			t.whole = true
			return t
		case lexer.BraceL, lexer.ParenL, lexer.BracketL:
			open++
			t.nesting = max(t.nesting, open)
			if token.Kind == lexer.ParenL {
				parens++
			} else if token.Kind == lexer.BraceL && parens == 0 {
				braces++
				t.depth = max(t.depth, braces)
			}
		case lexer.BraceR, lexer.ParenR, lexer.BracketR:
			open = max(open-1, 0)
			if token.Kind == lexer.ParenR {
				parens = max(parens-1, 0)
			} else if token.Kind == lexer.BraceR && parens == 0 {
				braces = max(braces-1, 0)
			}
		case lexer.At:
			t.directives++
		case lexer.Colon:
			if parens == 0 && previous == lexer.Name {
				t.aliases++
			}
		case lexer.Name:
			word = token.Value
			if braces > 0 && parens == 0 && isIntrospection(word) {
				t.introspection = word
			}
		}
		previous = token.Kind
	}
	return t
}

// isIntrospection reports whether a field asks for the schema.
func isIntrospection(field string) bool { return field == "__schema" || field == "__type" }
