package serial

import (
	"strings"

	"kongwaf/detect/attack/value"
	"kongwaf/detect/attack/words"
)

// JSON in which a key says what class to build, by the libraries that build it: Jackson,
// fastjson and Json.NET (@type, $type, ["class", {...}]), Ruby's json and Oj (json_class, ^o),
// Python's jsonpickle (py/reduce), Yii (__class), node-serialize.

// isType reports whether a key names the class of the object it stands in.
func isType(name string) bool {
	switch name {
	case "@type", "$type", "@class", "class", "javaClass", "type", "__type", "__class", "json_class", "^o", "^O", "^c", "py/object", "py/type", "py/function", "py/mod":
		return true
	}
	return false
}

// key judges a key that by itself makes a library call something.
func key(text string) value.Match {
	switch text {
	case "py/reduce", "py/function", "py/repr", "py/newargsex":
		return found(likely, 0, len(text), "key that calls")
	case "__reduce__", "__reduce_ex__", "__setstate__", "__PHP_Incomplete_Class_Name":
		return found(likely, 0, len(text), "key that calls")
	case "__construct()":
		return found(likely, 0, len(text), "constructor as a key")
	}
	return value.Match{}
}

// named judges the name of a class where a key says that it is one.
func named(v *value.Value) value.Match {
	text := v.Text
	if len(text) > 160 || v.IsName {
		return value.Match{}
	}
	switch v.Name {
	case "json_class", "^o", "^O", "^c", "rb/object", "ruby/object":
		for _, p := range [...]string{"Gem::", "ERB", "Net::", "Rack::", "Bundler::", "Sprockets::", "Kernel", "Logger", "PStore", "ActiveSupport::Deprecation",
			"ActiveModel::", "ActionView::", "UnboundMethod", "Process", "IO", "Rake::", "YARD::", "RDoc::"} {
			if strings.HasPrefix(text, p) {
				return found(clear, 0, len(text), "gadget class")
			}
		}
	case "__class":
		if strings.IndexByte(text, '\\') > 0 && strings.IndexByte(text, ' ') < 0 {
			return found(likely, 0, len(text), "class of PHP to build")
		}
	case "py/object", "py/type", "py/function", "py/mod":
		for _, p := range [...]string{"os.", "posix.", "nt.", "subprocess.", "builtins.", "__builtin__.", "commands.", "sys.", "shutil.", "pty.", "importlib.", "runpy.", "code.", "pickle.", "socket."} {
			if strings.HasPrefix(text, p) {
				return found(clear, 0, len(text), "gadget class")
			}
		}
	}
	return value.Match{}
}

// packaged reports whether a text is the qualified name of a class: packages in lower case,
// and a name that begins with a capital.
func packaged(text string) bool {
	if len(text) > 128 || text == "" || text[0] < 'a' || text[0] > 'z' {
		return false
	}
	dots := 0
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '.' && i+1 < len(text) && wordByte(text[i+1]):
			dots++
		case !wordByte(c) && c != '$':
			return false
		}
	}
	k := strings.LastIndexByte(text, '.')
	return dots >= 2 && 'A' <= text[k+1] && text[k+1] <= 'Z'
}

// gadgets are classes that do something when they are built or their properties are set.
var gadgets = words.New(words.Group{Kind: 1, Words: `JdbcRowSetImpl TemplatesImpl DriverManagerConnectionSource JNDIConnectionSource
	ClassPathXmlApplicationContext FileSystemXmlApplicationContext WrapperConnectionPoolDataSource JndiRefForwardingDataSource ComboPooledDataSource
	PoolBackedDataSource JndiRefConnectionFactory HikariConfig HikariDataSource JndiDataSourceFactory PropertyPathFactoryBean
	MethodInvokingFactoryBean MethodInvokingBean LdapAttribute XslTransformer URLClassLoader ProcessBuilder ScriptEngineManager JndiConfiguration
	InvokerTransformer ChainedTransformer InstantiateTransformer LazyMap TiedMapEntry BeanComparator DefaultTransactionManagerLookup PriorityQueue XBean JndiConverter
	SetPropertiesRule JndiLocator DataSourceTransactionManager JtaTransactionManager ImageIO SimpleJndiBeanFactory DefaultBeanFactoryPointcutAdvisor
	BasicDataSource PerUserPoolDataSource SharedPoolDataSource OracleJDBCRowSet OracleManagedConnectionFactory JNDIRealm EhcacheJtaTransactionManagerLookup
	UnixPrintService BCELClassLoader ELProcessor GroovyShell GroovyClassLoader InitialContext LdapRealm JndiObjectFactory AutoCloseable`})

// connection judges a connection string of JDBC that makes the driver run or read something.
func connection(text string) value.Match {
	if !words.HasPrefix(text, "jdbc:") {
		return value.Match{}
	}
	for _, p := range [...]string{"init=", "runscript", "socketfactory=", "autodeserialize=", "allowloadlocalinfile=", "allowurlinlocalinfile=", "sslfactory=",
		"queryinterceptors=", "statementinterceptors=", "detectcustomcollations=", "jndi:", "rmi://", "ldap://", "script ", "clientrerouteserverlistjndiname=", "krbjaasfile="} {
		if i := words.Index(text[:min(len(text), 512)], p); i > 0 {
			return found(likely, 0, min(len(text), i+len(p)+24), "connection that runs something")
		}
	}
	return value.Match{}
}

// data are classes of Ruby that only hold data; sessions of Rails are full of them.
var data = [...]string{"ActionDispatch::Flash", "ActionController::Flash", "ActiveSupport::HashWithIndifferentAccess", "ActiveSupport::TimeWithZone",
	"ActiveSupport::SafeBuffer", "ActionController::Parameters", "Time", "Date", "BigDecimal", "Set", "Rational", "Complex", "Struct", "OpenStruct"}

// marshal judges a stream of Ruby's Marshal: strings, numbers, arrays and hashes of them are
// data, objects of classes are not.
func marshal(text string) value.Match {
	for i := 2; i+3 < min(len(text), 4096); i++ {
		switch text[i] {
		case 'o', 'U', 'u', 'e', 'C', 'S':
		default:
			continue
		}
		// A symbol: its length and the class's name.
		n := int(text[i+2]) - 5
		if text[i+1] != ':' || n < 2 || n > 100 || i+3+n > len(text) {
			continue
		}
		name := text[i+3 : i+3+n]
		if name[0] < 'A' || name[0] > 'Z' {
			continue
		}
		harmless := false
		for _, p := range data {
			harmless = harmless || strings.HasPrefix(name, p)
		}
		if !harmless {
			return found(clear, 0, i+3+n, "object in a Marshal stream")
		}
	}
	return value.Match{}
}
