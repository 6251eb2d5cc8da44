package serial

import "kongwaf/detect"

type row struct {
	name         string
	attack, twin string
	source       detect.Source
	field        string
	isName       bool
}

var rows = []row{
	{name: "Java stream in base64", attack: "rO0ABXNyABFqYXZhLnV0aWwuSGFzaE1hcA==", twin: "r00ABXNyABFqYXZh"},
	{name: "Java stream", attack: "\xac\xed\x00\x05sr\x00\x11java.util.HashMap", twin: "\xac\xee\x00\x05"},
	{name: "Java stream in hex", attack: "aced00057372001164617461", twin: "aced00010203040506"},
	{name: "PHP object", attack: `O:8:"stdClass":1:{s:1:"a";i:1;}`, twin: `a:2:{i:0;s:3:"abc";i:1;i:5;}`},
	{name: "PHP object in an array", attack: `a:1:{i:0;O:4:"Evil":0:{}}`, twin: `ratio 4:3, O:8 and C:3`},
	{name: "PHP object with a sign", attack: `O:+4:"Evil":0:{}`, twin: `NO:4:"evil"`},
	{name: "PHP custom object", attack: `C:11:"ArrayObject":21:{x:i:0;a:0:{};m:a:0:{}}`, twin: `C:\Users`},
	{name: ".NET formatter", attack: "AAEAAAD/////AQAAAAAAAAAMAgAAAE", twin: "AAEAAAABAAAA"},
	{name: ".NET type in JSON", attack: `{"$type":"System.Windows.Data.ObjectDataProvider, PresentationFramework"}`, twin: `{"$type":"Acme.Orders.Order, Acme"}`},
	{name: "pickle, protocol 0", attack: "cos\nsystem\n(S'id'\ntR.", twin: "cos\nsin\ntan"},
	{name: "pickle in base64", attack: "gASVIQAAAAAAAACMBXBvc2l4lIwGc3lzdGVtlJOUjAJpZJSFlFKULg==", twin: "gASoline prices"},
	{name: "Ruby Marshal in base64", attack: "BAhvOkBBY3RpdmVTdXBwb3J0", twin: "BAhamas"},
	{name: "Python tag of YAML", attack: "!!python/object/apply:os.system ['id']", twin: "!!important"},
	{name: "Java tag of YAML", attack: "!!javax.script.ScriptEngineManager [!!java.net.URLClassLoader [[]]]", twin: "wow!!java is fun"[:5]},
	{name: "Ruby tag of YAML", attack: "--- !ruby/object:Gem::Installer", twin: "!ruby is fun"},
	{name: "function of node-serialize", attack: `{"rce":"_$$ND_FUNC$$_function(){}()"}`, twin: `{"price":"$$"}`},
	{name: "gadget as a field's value", attack: "com.sun.rowset.JdbcRowSetImpl", twin: "Person", field: "@type"},
	{name: "gadget in unparsed JSON", attack: `{"@type":"com.sun.rowset.JdbcRowSetImpl","dataSourceName":"x"}`, twin: `{"@context":"https://schema.org","@type":"Product"}`},
	{name: "XMLDecoder", attack: `<java version="1.7" class="java.beans.XMLDecoder"><object class="java.lang.ProcessBuilder"/></java>`, twin: `<java version="17"/>`},
	{name: "XStream", attack: `<sorted-set><dynamic-proxy><interface>java.lang.Comparable</interface></dynamic-proxy></sorted-set>`, twin: `<sorted-set><int>1</int></sorted-set>`},
}
