package document

import (
	"strings"
	"testing"
)

func TestOf(t *testing.T) {
	rows := []struct {
		name, text string
		want       Form
	}{
		{name: "empty", text: "", want: Line},
		{name: "a command is a line", text: "127.0.0.1; cat /etc/passwd", want: Line},
		{name: "padding is no prose", text: strings.Repeat("A", 9000) + ";id", want: Line},
		{name: "empty lines make no document", text: strings.Repeat("\r\n", 50) + "Bcc: a@b.example", want: Line},
		{name: "a sentence", text: "Please find the cat and sort it out before you leave the house, thanks", want: Prose},
		{name: "a script is a document", text: "#!/bin/sh\nset -e\ncd /srv && make all\necho done with the build\n", want: Document},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			if got := Of(r.text); got != r.want {
				t.Errorf("Of = %d, want %d", got, r.want)
			}
		})
	}
}
