package sql

import "strings"

// word is a word of SQL, by its part in the grammar. Synonyms share one.
type word uint8

const (
	wNone word = iota
	wAnd
	wOr
	wXor
	wNot
	wLike // LIKE, RLIKE, REGEXP, GLOB, ILIKE: a comparison by pattern
	wSounds
	wSimilar
	wIn
	wBetween
	wIs
	wIsNull // ISNULL, NOTNULL behind an operand (PostgreSQL, SQLite)
	wNull   // NULL, UNKNOWN
	wTrue   // TRUE, FALSE
	wDiv    // DIV, MOD
	wUnion  // UNION, INTERSECT, EXCEPT, MINUS
	wAll    // ALL, DISTINCT, DISTINCTROW, ...
	wSelect
	wValues
	wTable
	wFrom
	wWhere
	wGroup
	wOrder
	wBy
	wHaving
	wLimit // LIMIT, OFFSET, FETCH, FOR
	wInto
	wOutfile // OUTFILE, DUMPFILE
	wAs
	wCase
	wWhen
	wThen
	wElse
	wEnd
	wExists // EXISTS, ANY, SOME
	wCollate
	wEscape // ESCAPE, UESCAPE
	wPrefix // BINARY, INTERVAL, PRIOR, DATE: may stand before an operand
	wOver
	wWithin
	wProcedure
	wAnalyse
	wWith
	wJoin // JOIN, INNER, LEFT, NATURAL, ...
	wOn   // ON, USING
	wDirection
	wTop // TOP, FIRST n before a select list
	wAgainst
	wReturning
	wFunction // known only as a function

	// Words that begin a statement.
	wInsert
	wUpdate
	wDelete
	wDrop
	wCreate // CREATE, ALTER
	wTruncate
	wExec
	wDeclare
	wSet
	wShutdown
	wWaitfor
	wBegin
	wIf // IF, WHILE
	wGrant
	wCopy
	wLoad
	wCall
	wBackup
	wMerge
	wAttach
	wUse
	wShow
	wDo
	wGoto
	wKill
	wHandler
	wPrint
	wOpen
	wExplain

	wObject // TABLE's kin behind DROP, CREATE, ALTER
)

// beginsStatement reports whether the word can be the first of a statement (other than SELECT and WITH).
func (w word) beginsStatement() bool { return w >= wInsert && w <= wExplain }

// joinsOperands reports whether the word stands between two operands or two queries.
func (w word) joinsOperands() bool { return w == wAnd || w == wOr || w == wXor || w == wUnion }

// soft reports whether a word that begins a statement is a usual name of columns, too.
func (w word) soft() bool { return w >= wSet && w != wShutdown && w != wWaitfor && w <= wExplain }

// gluesToNumber reports whether a number may run into the word without a space, as in 1or 1.
func (w word) gluesToNumber() bool {
	switch w {
	case wAnd, wOr, wXor, wLike, wIn, wBetween, wIs, wDiv, wUnion, wFrom, wWhere, wGroup, wOrder, wHaving, wLimit, wInto, wSelect, wAs, wNot:
		return true
	}
	return false
}

// call is what a function does, as far as an attacker cares.
type call uint8

const (
	// callUnknown is a function that SQL itself does not know.
	callUnknown call = iota
	// callKnown belongs to SQL dialects: SUBSTRING, CHAR, CONCAT.
	callKnown
	// callInfo tells about server, user or schema, and needs no argument: VERSION().
	callInfo
	// callDelay waits: SLEEP. Other languages have functions of that name.
	callDelay
	// catalog is no function but a schema or table in which servers keep their own data:
	// a parameter has no business with it.
	catalog
	// callDanger waits, reads files, runs programs or talks to the network, by a name
	// that no other language uses: PG_SLEEP, XP_CMDSHELL, UTL_HTTP.REQUEST.
	callDanger
)

type entry struct {
	name string
	word word
	call call
}

const tableBits = 11

// table is an open-addressed hash table of all words, in lower case.
var table = func() (t [1 << tableBits]entry) {
	put := func(w word, c call, names string) {
		for name := range strings.FieldsSeq(names) {
			i := hash(name)
			for t[i].name != "" && t[i].name != name {
				i = (i + 1) % (1 << tableBits)
			}
			t[i].name = name
			if w != wFunction || t[i].word == wNone {
				t[i].word = w
			}
			t[i].call = max(t[i].call, c)
		}
	}
	for _, row := range []struct {
		word  word
		names string
	}{
		{wAnd, "and"},
		{wOr, "or"},
		{wXor, "xor"},
		{wNot, "not"},
		{wLike, "like rlike regexp ilike glob regexp_like"},
		{wSounds, "sounds"},
		{wSimilar, "similar"},
		{wIn, "in"},
		{wBetween, "between"},
		{wIs, "is"},
		{wIsNull, "isnull notnull"},
		{wNull, "null unknown"},
		{wTrue, "true false"},
		{wDiv, "div mod"},
		{wUnion, "union intersect except minus"},
		{wAll, "all distinct distinctrow sql_no_cache sql_cache straight_join high_priority sql_calc_found_rows"},
		{wSelect, "select"},
		{wValues, "values"},
		{wTable, "table"},
		{wFrom, "from"},
		{wWhere, "where"},
		{wGroup, "group"},
		{wOrder, "order"},
		{wBy, "by"},
		{wHaving, "having"},
		{wLimit, "limit offset fetch for"},
		{wInto, "into"},
		{wOutfile, "outfile dumpfile"},
		{wAs, "as"},
		{wCase, "case"},
		{wWhen, "when"},
		{wThen, "then"},
		{wElse, "else"},
		{wEnd, "end"},
		{wExists, "exists exist any some"},
		{wCollate, "collate"},
		{wEscape, "escape uescape"},
		{wPrefix, "binary interval prior match"},
		{wOver, "over"},
		{wWithin, "within"},
		{wProcedure, "procedure"},
		{wAnalyse, "analyse analyze"},
		{wWith, "with"},
		{wJoin, "join inner left right outer cross natural full"},
		{wOn, "on using separator"},
		{wDirection, "asc desc nulls"},
		{wTop, "top first"},
		{wAgainst, "against"},
		{wReturning, "returning"},
		{wInsert, "insert replace"},
		{wUpdate, "update"},
		{wDelete, "delete"},
		{wDrop, "drop rename"},
		{wCreate, "create alter"},
		{wTruncate, "truncate"},
		{wExec, "exec execute"},
		{wDeclare, "declare"},
		{wSet, "set"},
		{wShutdown, "shutdown"},
		{wWaitfor, "waitfor"},
		{wBegin, "begin"},
		{wIf, "if while"},
		{wGrant, "grant revoke"},
		{wCopy, "copy bulk"},
		{wLoad, "load"},
		{wCall, "call"},
		{wBackup, "backup restore"},
		{wMerge, "merge"},
		{wAttach, "attach detach"},
		{wUse, "use"},
		{wShow, "show pragma"},
		{wDo, "do"},
		{wGoto, "goto"},
		{wKill, "kill"},
		{wHandler, "handler"},
		{wPrint, "print"},
		{wOpen, "open"},
		{wExplain, "explain describe"},
		{wObject, "database user function view index schema login trigger role sequence tablespace extension server event type assembly"},
	} {
		put(row.word, callUnknown, row.names)
	}
	for _, row := range []struct {
		call  call
		names string
	}{
		{callKnown, `abs acos ascii asin atan avg bin bit_length cast ceil ceiling char char_length character_length chr
			coalesce compress concat concat_ws conv convert cos cot count crc32 cast crypt_key cume_dist date_add date_format
			date_sub dayofweek decode decrypt encrypt des_decrypt des_encrypt aes_decrypt aes_encrypt elt encode exp export_set field
			find_in_set floor format format_bytes from_base64 to_base64 from_unixtime generate_series get_lock greatest group_concat hex if
			ifnull iif inet_aton inet_ntoa insert instr isnull json_agg json_array json_arrayagg json_build_object
			json_contains json_depth json_each json_extract json_keys json_length json_object json_query json_quote
			json_search json_table json_type json_unquote json_valid json_value jsonb_agg jsonb_build_object lag lcase
			lead least left len length ln load_extension localtime locate log log10 log2 lower lpad ltrim make_set
			make_date makedate max md5 microsecond mid min mod name_const now nullif nvl nvl2 octet_length openrowset
			ord percent_rank pi position pow power quote quotename radians rand random randomblob rank regexp_instr
			regexp_replace regexp_substr regexp_substring release_lock repeat replace reverse right round row row_number
			rpad rtrim sha sha1 sha2 sign sin soundex space split_part sqrt stddev std str strcmp string_agg string_to_array
			stuff substr substring substring_index sum sysdate systimestamp tan to_char to_number trim truncate typeof uncompress
			ucase unhex unicode unistr upper utc_date utc_time utc_timestamp uuid variance xmltype zeroblob hextoraw rawtohex
			array_to_string bit_and bit_or bit_xor charindex patindex datalength dateadd datediff getdate newid nchar
			nullif rownum array_agg listagg xmlagg xmlelement wm_concat to_hex convert_from convert_to
			match_against like ceil degrees greatest hashbytes checksum binary_checksum isnumeric try_convert try_cast
			date time timestamp nullifzero char_to_int toint32 tostring gtid_subset gtid_subtract polygon multipoint geometrycollection
			multipolygon linestring multilinestring st_latfromgeohash st_longfromgeohash st_pointfromgeohash
			bit match get_host_address writefile readfile
			current_date current_time current_timestamp localtimestamp`},
		{callInfo, `version user database schema current_user session_user system_user connection_id current_database
			current_schema current_setting inet_server_addr inet_server_port inet_client_addr pg_backend_pid db_name db_id
			host_name user_name suser_name suser_sname object_name object_id col_name has_dbaccess is_srvrolemember is_member
			charset coercibility collation row_count found_rows last_insert_id sqlite_version sqlite_source_id app_name
			original_login serverproperty sys_context userenv schema_name current_catalog current_role getpgusername
			currentuser currentdatabase hostname fqdn has_table_privilege pg_read_binary_file`},
		{callDelay, `sleep`},
		{catalog, `information_schema sysobjects syscolumns sysdatabases sysusers sysibm sqlite_master sqlite_schema
			sqlite_temp_master pg_catalog pg_user pg_shadow pg_tables pg_database pg_class pg_roles all_tables
			all_tab_columns all_users user_tables user_tab_columns dba_users dba_tables dba_role_privs msysaccessobjects
			msysobjects systables rdb$database rdb$fields innodb_table_stats`},
		{callDanger, `pg_sleep pg_sleep_for pg_sleep_until benchmark load_file extractvalue updatexml xp_cmdshell xp_dirtree
			xp_fileexist xp_subdirs xp_regread xp_regwrite xp_servicecontrol xp_loginconfig xp_enumgroups sp_executesql
			sp_oacreate sp_oamethod sp_configure sp_addextendedproc sp_makewebtask sp_password openquery opendatasource
			lo_import lo_export lo_from_bytea lo_get pg_read_file pg_ls_dir pg_stat_file pg_reload_conf dblink dblink_connect
			query_to_xml database_to_xml table_to_xml xpath_table sqlid_to_sqlhash receive_message httpuritype httpuri_type
			bfilename get_host_name sys_eval sys_exec sys_get udf_sys_exec lib_mysqludf_sys_info fn_xe_file_target_read_file
			fn_get_audit_file fn_trace_gettable sleepeachrow from_persisted randcanonical fts3_tokenizer filetoclob filetoblob
			getmappingxpath`},
	} {
		put(wFunction, row.call, row.names)
	}
	return t
}()

// lengths has, by first letter, a bit for each length of the table's names: most words leave here.
var lengths = func() (t [256]uint32) {
	for _, e := range table {
		if e.name != "" {
			t[e.name[0]|0x20] |= 1 << len(e.name)
		}
	}
	return t
}()

var lowered = func() (t [256]byte) {
	for c := range 256 {
		t[c] = byte(c)
		if 'A' <= c && c <= 'Z' {
			t[c] = byte(c) + 'a' - 'A'
		}
	}
	return t
}()

func hash(s string) uint32 {
	h := uint32(len(s))
	for i := 0; i < len(s); i++ {
		h = h*31 + uint32(lowered[s[i]])
	}
	return (h ^ h>>tableBits) % (1 << tableBits)
}

// longestWord is the length of the longest name in table.
const longestWord = 28

// lookup finds a word, ignoring case; the zero entry if SQL does not know it.
func lookup(s string) entry {
	if len(s) > longestWord || s == "" || lengths[s[0]|0x20]&(1<<len(s)) == 0 {
		return entry{}
	}
	for i := hash(s); table[i].name != ""; i = (i + 1) % (1 << tableBits) {
		if equalFold(table[i].name, s) {
			return table[i]
		}
	}
	return entry{}
}

// equalFold reports whether s in lower case is name.
func equalFold(name, s string) bool {
	if len(name) != len(s) {
		return false
	}
	for i := 0; i < len(s); i++ {
		if lowered[s[i]] != name[i] {
			return false
		}
	}
	return true
}

// isPackage reports whether a name is a package of procedures that reach out of the
// database (Oracle's DBMS_ and UTL_, MSSQL's extended and stored procedures).
func isPackage(name string) bool {
	if len(name) < 4 {
		return false
	}
	switch lowered[name[0]] {
	case 'd':
		return len(name) > 5 && equalFold("dbms_", name[:5])
	case 'u':
		return equalFold("utl_", name[:4]) || equalFold("user_lock", name)
	case 'x':
		return equalFold("xp_", name[:3])
	case 's':
		return equalFold("sp_", name[:3])
	case 'c':
		return len(name) >= 6 && equalFold("ctxsys", name[:6])
	}
	return false
}
