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
	rsh info-script new-volume-script filter-process`})

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
	if j+1 < len(text) && text[j] == '=' && running.Of(text[i:j]) != 0 {
		return found(0.85, from, min(len(text), j+24), "option that runs a command")
	}
	// -OQueueDirectory=/tmp -X/var/www/x.php: sendmail's log.
	if k := strings.Index(text, " -X/"); k > 0 && k < 64 && len(text) < 256 {
		return found(0.75, from, min(len(text), k+24), "option that writes a file")
	}
	return value.Match{}
}
