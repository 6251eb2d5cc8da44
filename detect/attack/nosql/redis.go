package nosql

import (
	"strings"

	"kongwaf/detect/attack/value"
)

// redis judges a line break with a command of Redis behind it: the protocol reads a
// line as a command, and so does a client library that was handed a key with CRLF in it.
func redis(s string) value.Match {
	if i := strings.Index(s, "\r\n$"); i >= 2 {
		// RESP: *2\r\n$4\r\nKEYS\r\n
		j := i - 1
		for j > 0 && digit(s[j]) {
			j--
		}
		k := i + 3
		for k < len(s) && digit(s[k]) {
			k++
		}
		if s[j] == '*' && j < i-1 && k > i+3 && strings.HasPrefix(s[k:], "\r\n") {
			return match(code, j, k, "redis protocol")
		}
	}
	for i := 0; i < len(s); {
		n := strings.IndexByte(s[i:], '\r')
		if n < 0 {
			break
		}
		i += n + 2
		if i >= len(s) || s[i-1] != '\n' || !letter(s[i]) {
			continue
		}
		if end := command(s, i); end > 0 {
			return match(attack, i-2, end, "redis command")
		}
		if end := inline(s, i); end > 0 && !strings.ContainsAny(s[:i-2], " \t\r\n") {
			return match(attack, i-2, end, "redis command")
		}
	}
	return value.Match{}
}

// inline returns the end of the line that begins at s[i] if it is a command of Redis in capitals
// with as many words behind it as it takes, or one of memcached, and a line break ends it: 0 if
// it is none. Behind a single word, nobody writes so.
func inline(s string, i int) int {
	n := strings.Index(s[i:min(len(s), i+256)], "\r\n")
	if n < 0 {
		return 0
	}
	line := s[i : i+n]
	name, rest, _ := strings.Cut(line, " ")
	words := 0
	if rest != "" {
		words = strings.Count(rest, " ") + 1
	}
	switch name {
	case "SAVE", "BGSAVE", "INFO", "SHUTDOWN":
		if words > 0 {
			return 0
		}
	case "GET", "DEL", "KEYS", "INCR", "DECR", "SELECT", "AUTH", "TYPE", "EXISTS":
		if words != 1 {
			return 0
		}
	case "SET", "APPEND", "EXPIRE", "LPUSH", "RPUSH", "SADD", "PUBLISH", "RENAME", "SETNX":
		if words != 2 {
			return 0
		}
	case "HSET", "SETEX", "ZADD", "MIGRATE":
		if words != 3 {
			return 0
		}
	case "set", "add", "replace": // memcached: key, flags, time, bytes
		if words != 4 || !digit(line[len(line)-1]) {
			return 0
		}
	case "flush_all", "stats", "version":
		if words > 0 {
			return 0
		}
	default:
		return 0
	}
	return i + n
}

// command returns the end of a Redis command that changes the server or runs code, 0 if
// none stands at s[i:]. SET and GET are English, too: see inline.
func command(s string, i int) int {
	switch {
	case i >= len(s):
	case hasWord(s, i, "config"):
		j := skip(s, i+6)
		if j > i+6 && (hasWord(s, j, "set") || hasWord(s, j, "rewrite")) {
			k := skip(s, j+3)
			if hasWord(s, k, "dir") || hasWord(s, k, "dbfilename") || hasWord(s, j, "rewrite") {
				return k
			}
		}
	case hasWord(s, i, "slaveof"), hasWord(s, i, "replicaof"):
		if end := strings.IndexByte(s[i:], ' '); end > 0 {
			return i + end
		}
	case hasWord(s, i, "flushall"), hasWord(s, i, "flushdb"):
		j := ident(s, i)
		if j == len(s) || s[j] == '\r' || s[j] == '\n' {
			return j
		}
	case hasWord(s, i, "eval"):
		j := skip(s, i+4)
		if j > i+4 && j < len(s) && (s[j] == '"' || s[j] == '\'') {
			return j
		}
	case hasWord(s, i, "module"):
		if j := skip(s, i+6); hasWord(s, j, "load") {
			return j + 4
		}
	}
	return 0
}
