package shell

import (
	"strings"

	"kongwaf/detect/attack/value"
	"kongwaf/detect/attack/words"
)

// running are options by which programs that take file names, hosts or addresses run a
// command (CWE-88): of ssh, git, tar, zip, rsync, find, curl, sendmail, ffmpeg.
var running = words.New(words.Group{Kind: 1, Words: `oproxycommand olocalcommand opermitlocalcommand upload-pack receive-pack use-compress-program
	checkpoint-action to-command rsh-command unzip-command use-askpass exec-path exec-batch oqueuedirectory core.sshcommand
	rsh info-script new-volume-script filter-process open-files-in-pager extcmd diff-program hostname-bin zip-command
	pager editor core.pager core.editor core.fsmonitor core.hookspath core.askpass core.gitproxy rmt-command to-program preprocessor command-hook`})

// called are options whose value is a command in some programs and anything in others.
var called = words.New(words.Group{Kind: 1, Words: `exec pre command cmd run proxy-command hook shell post-exec pre-exec`})

// nameEnd returns where the name ends that a text begins with.
func nameEnd(text string) int {
	n := 0
	for n < len(text) && n < 32 && (wordish(text[n]) || text[n] == '.') {
		n++
	}
	return n
}

// writing are options by which such programs write what they got into a file.
var writing = words.New(words.Group{Kind: 1, Words: `output output-document output-file outfile out-file o log-file logfile dump-header
	cookie-jar target-directory directory-prefix trace trace-ascii dest`})

// injectedOption judges a value that begins with an option of a program: -oProxyCommand=id.
func injectedOption(text string, i int) value.Match {
	from := i
	for i < len(text) && i < from+2 && text[i] == '-' {
		i++
	}
	j := i
	for j < len(text) && (wordish(text[j]) || text[j] == '.') {
		j++
	}
	if j+1 < len(text) && text[j] == '=' {
		switch name := text[i:j]; {
		case running.Of(name) != 0:
			return found(likely, from, min(len(text), j+24), "option that runs a command")
		case running.Of(text[j+1:j+1+nameEnd(text[j+1:])]) != 0,
			called.Of(name) != 0 && Begins(text[j+1:]):
			return found(likely, from, min(len(text), j+24), "option that runs a command")
		case writing.Of(name) != 0 && servedCode(text[j+1:]):
			return found(likely, from, len(text), "option that writes a file")
		}
	}
	if i == from+1 && (text[i]|0x20 == 'o') && servedCode(text[i+1:]) {
		return found(likely, from, len(text), "option that writes a file") // -O/srv/www/x.php
	}
	if strings.HasPrefix(text[i:], "d @/") || strings.HasPrefix(text[i:], "T /etc/") {
		return found(likely, from, min(len(text), i+24), "option that sends a file")
	}
	if j+1 < len(text) && text[j] == ' ' && j == from+2 && (text[i] == 'c' || text[i] == 'e') && Begins(text[j+1:]) {
		return found(atPlace, from, min(len(text), j+24), "option that runs a command") // -c id
	}
	// -OQueueDirectory=/tmp -X/var/www/x.php: sendmail's log.
	if k := strings.Index(text, " -X/"); k > 0 && k < 64 && len(text) < 256 {
		return found(blocks, from, min(len(text), k+24), "option that writes a file")
	}
	return value.Match{}
}

// servedCode reports whether a path leads to code that a web server runs: /var/www/x.php.
func servedCode(path string) bool {
	if path == "" || path[0] != '/' && !strings.HasPrefix(path, "..") && (len(path) < 2 || path[1] != ':') {
		return false
	}
	k := strings.LastIndexByte(path, '.')
	if k < 0 {
		return false
	}
	for _, ext := range [...]string{"ph", "asp", "jsp", "cgi", "cfm", "pl", "war"} {
		if words.HasPrefix(path[k+1:], ext) {
			return true
		}
	}
	return words.HasPrefix(path, "/etc/cron") || words.HasPrefix(path, "/root/.ssh")
}

// helper judges a value that begins with one of Git's transports that run a command:
// ext::sh -c id.
func helper(text string) value.Match {
	if rest, ok := strings.CutPrefix(text, "ext::"); ok && Begins(rest) {
		return found(clear, 0, min(len(text), 32), "transport that runs a command")
	}
	return value.Match{}
}

// comspec judges a word that begins with a variable of cmd.exe for its own path:
// %COMSPEC% /c whoami.
func comspec(text string, i, mark int) value.Match {
	for _, name := range [...]string{"%comspec%", "%systemroot%\\system32\\cmd", "%windir%\\system32\\cmd"} {
		if words.HasPrefix(text[i:], name) {
			return found(clear, mark, min(len(text), i+len(name)+16), "shell in a variable")
		}
	}
	return value.Match{}
}
