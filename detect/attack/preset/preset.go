// Package preset holds named sets of expectations, one for each sort of application: what its
// own clients send, and where.
//
// A preset is for a route that leads to nothing but such an application. It widens nothing
// beside the places in its table, and there only by package expect's rules; its tests show for
// each preset a request as the application sends it beside one that it would not send.
package preset

import (
	"fmt"
	"slices"
	"strings"

	"kongwaf/detect"
	"kongwaf/detect/attack"
	"kongwaf/detect/attack/expect"
)

// Name names a preset. The zero value names none. Its text form is part of the plugins' config
// and never changes.
type Name uint8

// row says what the places of an application carry.
type row struct {
	content []expect.Kind
	places  string // separated by blanks
}

// application is a preset with the rows of its table.
type application struct {
	name, about string
	rows        []row
}

// snippets are what people paste to each other and to machines.
var snippets = []expect.Kind{expect.Code, expect.HTML, expect.SQL, expect.Shell, expect.Paths, expect.URLs}

// applications is the whole table; a Name is an index from 1.
var applications = [...]application{
	{name: "chat", about: "Chat completions, messages and responses APIs of language models, with the arguments and results of tools.", rows: []row{
		{content: snippets, places: "body.json.messages body.json.input body.json.prompt body.json.system body.json.instructions body.json.contents body.json.systemInstruction body.json.tools"},
	}},
	{name: "sql", about: "Consoles and HTTP interfaces of SQL databases, data sources of dashboards.", rows: []row{
		{content: []expect.Kind{expect.SQL}, places: "query.query query.sql query.q body.json.query body.json.sql body.json.stmt body.json.statement body.json.queries[*].rawSql body.form.query body.form.sql body.form.sql_query body.form.q"},
	}},
	{name: "promql", about: "Prometheus, Thanos, Mimir and Loki.", rows: []row{
		{content: []expect.Kind{expect.PromQL}, places: "query.query query.match query.expr body.form.query body.form.match body.json.expr body.json.queries[*].expr body.json.query"},
	}},
	{name: "mongo-query", about: "APIs whose callers write MongoDB's filters.", rows: []row{
		{content: []expect.Kind{expect.Mongo}, places: "query.filter query.where query.query body.json.filter body.json.where body.json.query body.json.selector body.json.pipeline"},
	}},
	{name: "cms", about: "Editors of pages: Strapi, Directus, Ghost, Drupal, Joomla.", rows: []row{
		{content: []expect.Kind{expect.HTML}, places: "body.json.content body.json.body body.json.html body.json.data.content body.json.data.body body.json.data.attributes.body body.json.posts[*].html body.json.pages[*].html body.form.content body.form.body body.form.jform[articletext] body.multipart.content body.multipart.body"},
	}},
	{name: "wordpress", about: "WordPress: the block editor, the classic one, widgets, previews of links.", rows: []row{
		{content: []expect.Kind{expect.HTML}, places: "body.json.content body.json.excerpt body.json.instance.raw body.json.requests[*].body.content body.form.content body.form.excerpt"},
	}},
	{name: "wiki", about: "MediaWiki, Confluence, Wiki.js, BookStack.", rows: []row{
		{content: []expect.Kind{expect.HTML, expect.Code, expect.SQL, expect.Shell}, places: "body.form.wpTextbox1 body.form.text body.multipart.wpTextbox1 body.json.body.storage.value body.json.variables.content body.json.html body.json.markdown body.form.html"},
	}},
	{name: "notebook", about: "Jupyter's contents API, and services that run cells.", rows: []row{
		{content: []expect.Kind{expect.Code, expect.Shell, expect.SQL, expect.HTML}, places: "body.json.content body.json.cells body.json.code body.json.source"},
	}},
	{name: "git", about: "GitLab's, Gitea's and GitHub's APIs: files in commits, snippets, and files named in paths.", rows: []row{
		{content: []expect.Kind{expect.Code, expect.Shell, expect.SQL, expect.HTML}, places: "body.json.actions[*].content body.json.content body.json.files"},
		{content: []expect.Kind{expect.Paths}, places: "body.json.actions[*].file_path body.json.file_path body.json.path body.json.files[*].path path query.path query.file_path query.ref"},
	}},
	{name: "object-store", about: "S3 and its kin: any name of a file is a key.", rows: []row{
		{content: []expect.Kind{expect.Paths}, places: "path query.prefix query.marker query.start-after query.key header.x-amz-copy-source"},
	}},
	{name: "registry", about: "Registries of packages and images: read-me files, scripts of a package, files by name.", rows: []row{
		{content: []expect.Kind{expect.Paths}, places: "path"},
		{content: []expect.Kind{expect.Shell, expect.Code}, places: "body.json.versions[*].scripts body.json.versions.*.scripts"},
		{content: []expect.Kind{expect.HTML, expect.Code, expect.Shell}, places: "body.json.readme body.json.versions.*.readme"},
	}},
	{name: "logs", about: "Ways in for records of what happened elsewhere, and queries for them.", rows: []row{
		{content: []expect.Kind{expect.SQL, expect.Shell, expect.Paths, expect.URLs}, places: "body.json.message body.json.msg body.json.log body.json.event body.json.statement body.json.attributes body.json[*].message body.json[*].attributes body.json.resourceLogs body.json.resourceSpans body.json.streams"},
		{content: []expect.Kind{expect.PromQL}, places: "query.query body.form.query"},
	}},
	{name: "graphql-ide", about: "GraphiQL, Apollo's sandbox, generators of clients.", rows: []row{
		{content: []expect.Kind{expect.GraphQL}, places: "body query.query query.graphql"},
	}},
}

// OneOf returns the text forms of all presets: what a config may say where it names one.
func (Name) OneOf() []string {
	names := make([]string, len(applications))
	for i := range applications {
		names[i] = applications[i].name
	}
	return names
}

// Parse returns the preset with the given text form.
func Parse(name string) (Name, error) {
	all := Name(0).OneOf()
	i := slices.Index(all, name)
	if i < 0 {
		return 0, fmt.Errorf("%q is not a preset: write one of %s", name, strings.Join(all, ", "))
	}
	return Name(i + 1), nil
}

// String returns the preset's fixed text form.
func (n Name) String() string {
	if n == 0 || int(n) > len(applications) {
		return fmt.Sprintf("preset(%d)", uint8(n))
	}
	return applications[n-1].name
}

// MarshalText implements encoding.TextMarshaler.
func (n Name) MarshalText() ([]byte, error) { return []byte(n.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (n *Name) UnmarshalText(text []byte) (err error) {
	*n, err = Parse(string(text))
	return err
}

// Expectations returns what the preset expects: nothing if there is no such preset.
func (n Name) Expectations() (all []attack.Expectation) {
	if n == 0 || int(n) > len(applications) {
		return nil
	}
	for _, r := range applications[n-1].rows {
		for _, place := range strings.Fields(r.places) {
			all = append(all, attack.Expectation{Place: detect.Place(place), Content: r.content})
		}
	}
	return all
}
