package code

import "kongwaf/detect/attack/words"

// What a function does, by name.
const (
	runs      uint32 = 1 << iota // runs a command of the operating system
	evaluates                    // runs a text as code
	informs                      // tells of the server without an argument: phpinfo()
	php                          // any other function of PHP that probes use
	imports                      // loads a module by name
	reflects                     // gets at classes by name (Java, .NET)
	creates                      // creates COM objects
	receiver                     // an object or module with functions that run commands
	unique                       // the name occurs in one language only, and hardly in prose
	module                       // a module worth importing
	fetches                      // spreadsheet function that reaches out
	ognlVar                      // a variable of OGNL's context
)

// names are functions, objects and modules, by what they do.
var names = words.New(
	words.Group{Kind: runs | unique, Words: `shell_exec passthru proc_open pcntl_exec proc_nice execsync spawnsync execfilesync check_output popen2 popen3
		getoutput getstatusoutput wscript.shell shellexecute processbuilder winexec posix_spawn expect_popen cfexecute xp_cmdshell
		start_process createprocess runtime_exec execve execvp execvpe execlp spawnvp spawnlp qx`},
	words.Group{Kind: runs, Words: `system exec popen spawn execute check_call call run start execfile execl execv shell open sh backticks`},
	words.Group{Kind: evaluates | unique, Words: `create_function call_user_func call_user_func_array assert_options preg_replace_callback runinthiscontext
		runinnewcontext loadstring instance_eval class_eval module_eval executeglobal create_lambda_function array_filter usort
		register_shutdown_function ob_start fromcharcode reflectionfunction array_walk uasort uksort iterator_apply`},
	words.Group{Kind: evaluates, Words: `eval assert exec compile preg_replace array_map function execfile load unserialize evaluate mb_ereg_replace`},
	words.Group{Kind: informs | unique, Words: `phpinfo phpversion phpcredits php_uname php_sapi_name get_current_user getmypid getcwd sys_get_temp_dir get_loaded_extensions get_defined_vars get_cfg_var`},
	words.Group{Kind: php, Words: `print print_r var_dump var_export md5 sha1 die exit echo printf sprintf chr ord hexdec dechex bin2hex hex2bin base64_decode
		str_rot13 gzinflate gzuncompress strrev pack sleep usleep time getenv ini_get ini_set set_time_limit error_reporting scandir glob dir opendir implode
		get_headers header setcookie phpinfo sha256 crc32 rand mt_rand intval strlen str_repeat include include_once require require_once`},
	words.Group{Kind: php | unique, Words: `file_get_contents file_put_contents show_source highlight_file readfile fopen move_uploaded_file fputs fwrite gzfile php_strip_whitespace
		base64_decode str_rot13 gzinflate gzuncompress get_defined_functions array_diff_ukey`},
	words.Group{Kind: imports | unique, Words: `__import__ importlib.import_module import_module __builtins__`},
	words.Group{Kind: imports, Words: `require import binding _load dlopen`},
	words.Group{Kind: reflects | unique, Words: `getruntime forname getenginebyname scriptenginemanager urlclassloader defineclass getdeclaredmethod
		getdeclaredconstructor getdeclaredfields methodhandles groovyshell groovyclassloader newinstance1 getresourceasstream getsystemclassloader
		getcontextclassloader setaccessible elprocessor spelexpressionparser initialcontext`},
	words.Group{Kind: reflects, Words: `getclass getmethod invoke newinstance loadclass classloader class exec getproperty getconstructor getmethods getclassloader getenv`},
	words.Group{Kind: creates | unique, Words: `createobject activexobject`},
	words.Group{Kind: creates, Words: `getobject`},
	words.Group{Kind: receiver, Words: `os subprocess child_process runtime kernel io commands pty platform process popen2 mainmodule posix
		timeit shutil shell wsh shellapplication system`},
	words.Group{Kind: module, Words: `child_process node:child_process os subprocess fs node:fs vm node:vm commands pty socket sys popen2 process cluster net repl spawn_sync process_wrap`},
	words.Group{Kind: fetches, Words: `hyperlink importxml importdata importfeed importhtml importrange webservice image dde ddeexec rtd filterxml`},
	words.Group{Kind: ognlVar, Words: `context _memberaccess application request session parameters attr root rt cmd cmds iswin process ros container ognlutil dm res response req w str p s out a b c this os ps bos`},
)
