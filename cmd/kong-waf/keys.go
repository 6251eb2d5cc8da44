package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"kongwaf/detect/apikey"
)

const keysHelp = `Usage: kong-waf keys new  [--id ID] [--consumer NAME]
       kong-waf keys hash
       kong-waf keys check
       kong-waf keys list [--console ADDR] [--token-file FILE] [--data FOLDER] [--json]

new    makes a key and prints it, once, with its hash and the lines for a config or a file of keys
hash   reads a key from the standard input, a line that is not shown, and prints its hash
check  reads a key likewise and says whether keys new made it and it was copied whole, by its checksum
list   which keys a running server knows: ids, consumers, sources, ends, last uses; no key and no hash

kong-waf keys COMMAND --help says more.
`

// keysCommands are the commands below keys.
var keysCommands = []command{
	{name: "new", run: runKeysNew},
	{name: "hash", run: runKeysHash},
	{name: "check", run: runKeysCheck},
	{name: "list", run: runKeysList},
}

// runKeys makes, hashes, checks and lists API keys.
func runKeys(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	if len(args) > 0 {
		for _, c := range keysCommands {
			if c.name == args[0] {
				return c.run(args[1:], stdin, stdout, stderr)
			}
		}
	}
	flags := newFlags("keys", keysHelp, stderr)
	if code, stop := parse(flags, args, operands{least: 1, most: 1, what: "new, hash, check or list"}); stop {
		return code
	}
	fmt.Fprintf(stderr, "kong-waf keys: there is no %q: write new, hash, check or list\n", flags.Arg(0))
	return 2
}

const keysNewHelp = `Usage: kong-waf keys new [--id ID] [--consumer NAME]

Makes a key of 178 random bits with a prefix and a checksum, so that secret scanners recognise it by
` + apikey.Pattern + `. It is shown here and nowhere else: what a server needs is its hash.
`

func runKeysNew(args []string, _ io.Reader, stdout, stderr io.Writer) int {
	flags := newFlags("keys new", keysNewHelp, stderr)
	id := flags.String("id", "", "the `ID` that the upstream, events and metrics see")
	consumer := flags.String("consumer", "CONSUMER", "the `NAME` of Kong's consumer, in the lines for the config")
	if code, stop := parse(flags, args, noOperands); stop {
		return code
	}
	for name, value := range map[string]string{"id": *id, "consumer": *consumer} {
		if strings.ContainsAny(value, "\"\\\n\r\t") {
			fmt.Fprintf(stderr, "kong-waf keys new: --%s: write it without quotes, backslashes and line breaks\n", name)
			return 2
		}
	}
	key, err := apikey.Generate()
	if err != nil {
		fmt.Fprintf(stderr, "kong-waf keys new: %v\n", err)
		return 1
	}
	fmt.Fprintf(stdout, "key:        %s\nkey_sha256: %s\n\n# in the config of waf-key-auth:\n", key, apikey.SHA256(key))
	fmt.Fprint(stdout, entry("credentials", *id, *consumer, apikey.SHA256(key)), "# or in a file that its key_files names:\n", entry("keys", *id, *consumer, apikey.SHA256(key)))
	return 0
}

// entry returns the lines that let a key in.
func entry(list, id, consumer, hash string) string {
	line := fmt.Sprintf("{key_sha256: %s, consumer: \"%s\"}", hash, consumer)
	if id != "" {
		line = fmt.Sprintf("{id: \"%s\", %s", id, line[1:])
	}
	return list + ":\n  - " + line + "\n"
}

const keysHashHelp = `Usage: kong-waf keys hash

Reads a key, one line, from the standard input and prints its SHA-256, for key_sha256. On a terminal
the line is not shown as it is typed.
`

func runKeysHash(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	flags := newFlags("keys hash", keysHashHelp, stderr)
	if code, stop := parse(flags, args, noOperands); stop {
		return code
	}
	key, err := readKey(stdin, stderr)
	if err != nil {
		fmt.Fprintf(stderr, "kong-waf keys hash: %v\n", err)
		return 1
	}
	fmt.Fprintln(stdout, apikey.SHA256(key))
	return 0
}

const keysCheckHelp = `Usage: kong-waf keys check

Reads a key, one line, from the standard input and says whether kong-waf keys new made it and it was
copied whole. Whether a server lets it in is another question. Exit status 1 if not.
`

func runKeysCheck(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	flags := newFlags("keys check", keysCheckHelp, stderr)
	if code, stop := parse(flags, args, noOperands); stop {
		return code
	}
	key, err := readKey(stdin, stderr)
	if err != nil {
		fmt.Fprintf(stderr, "kong-waf keys check: %v\n", err)
		return 1
	}
	if err := apikey.CheckFormat(key); err != nil {
		fmt.Fprintf(stdout, "the key %v\n", err)
		return 1
	}
	fmt.Fprintln(stdout, "the key is well-formed")
	return 0
}

// readKey reads a key, a line. White space within belongs to it, the line's end does not.
func readKey(stdin io.Reader, stderr io.Writer) (string, error) {
	if terminal, ok := stdin.(*os.File); ok {
		if restore, err := hushTerminal(terminal); err == nil {
			defer func() { restore(); fmt.Fprintln(stderr) }()
			fmt.Fprint(stderr, "key: ")
		}
	}
	line, err := bufio.NewReader(io.LimitReader(stdin, apikey.MaxKeyLength+3)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	key := strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r")
	switch {
	case key == "":
		return "", errors.New("no key on the standard input: write it there, on one line")
	case len(key) > apikey.MaxKeyLength:
		return "", fmt.Errorf("the key is longer than %d bytes", apikey.MaxKeyLength)
	}
	return key, nil
}
