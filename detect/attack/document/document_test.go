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

func TestNoise(t *testing.T) {
	rows := []struct {
		name, text string
		want       bool
	}{
		{name: "readings of a sensor", text: "2;44;3,14,0;@gM$~SyT`@4dAr:]Lg&p:Y4Q%d!)A1:*_2(K_`Pq>51V`C418).jN!E;,RyX%o&#K9V*x=]B*6/7KG1yDq6KA^QT", want: true},
		{name: "a scrambled token", text: "$@./uMt[S~\\![Ft_|1>r>icx&v", want: true},
		{name: "a payload with many marks has names", text: "\";$(printf 'hsab/nib/ e- 4321 1.0.0.721 cn'|rev)\"", want: false},
		{name: "a short payload is no noise", text: "${@print(md5(1))}", want: false},
		{name: "prose", text: "Please, call me (soon); it's \"urgent\" & important!", want: false},
		{name: "a JWT has few marks", text: "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", want: false},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			if got := Noise(r.text); got != r.want {
				t.Errorf("Noise = %v, want %v", got, r.want)
			}
		})
	}
}
