package declarative

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// MaxFileSize is how long a file may be, in bytes.
const MaxFileSize = 32 << 20

// Validator knows the schemas of plugins.
type Validator interface {
	// Names returns the plugins it knows.
	Names() []string
	// Validate returns config with its defaults filled in, and what is wrong with it. It
	// is called only for plugins in Names. Field of a problem is a path such as
	// "config.allow[2]"; the caller finds its line.
	Validate(plugin string, config map[string]any) (completed map[string]any, problems []ConfigProblem)
}

// ConfigProblem is one problem in a plugin's config.
type ConfigProblem struct {
	Field   string
	Message string
	Warning bool
}

// Options are what Load needs besides the files.
type Options struct {
	// Validator checks plugin configs and fills in their defaults. Without one they are
	// taken as they are, whatever the plugin's name.
	Validator Validator
	// Env looks up the variables of `${{ env "DECK_X" }}`. Nil means os.LookupEnv.
	Env func(name string) (string, bool)
}

// Source is one file's name, used in messages, and content.
type Source struct {
	Name string
	Data []byte
}

// Load reads files. The Config is usable if Problems.Err() is nil; a file that cannot be
// read is a problem too.
func Load(opts Options, files ...string) (*Config, Problems) {
	var sources []Source
	var problems Problems
	for _, name := range files {
		data, err := readFile(name)
		if err != nil {
			if failed := new(fs.PathError); errors.As(err, &failed) {
				err = failed.Err // the name stands before it
			}
			problems = append(problems, Problem{Position: Position{File: name}, Message: err.Error()})
			continue
		}
		sources = append(sources, Source{Name: name, Data: data})
	}
	cfg, more := Parse(opts, sources...)
	return cfg, append(problems, more...)
}

func readFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, MaxFileSize+1))
	if err != nil {
		return nil, err
	}
	if len(data) > MaxFileSize {
		return nil, fmt.Errorf("longer than %d bytes", MaxFileSize)
	}
	return data, nil
}
