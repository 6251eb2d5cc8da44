package path

import "kongwaf/detect/attack/words"

// What a path element tells of the file it leads to.
const (
	etcFile    uint32 = 1 << iota // a file or directory directly below /etc that tells of accounts, hosts, services
	systemDir                     // a top directory of a system that no application serves from
	logDir                        // logs, spools, state
	windowsDir                    // a top directory of Windows
	configFile                    // a server's or program's configuration, wherever it is
	secretFile                    // keys, password files, histories, dumps: nobody links to them
	secretDir                     // directories that hold such: .ssh, .git, WEB-INF
	logFile                       // access.log and its like
	procFile                      // below /proc
	confDir                       // directories that servers keep their configuration in
	assetExt                      // extension of what web pages are made of
	codeExt                       // extension of code that servers run
	word                          // an everyday word besides: it counts below a directory that says more
	shared                        // repositories are full of it: it counts where no repository reaches
	ambient                       // in /etc, but nothing that programs keep to themselves: configurations name it
	closedDir                     // a directory beside those that are served, into which no link leads
	media                         // an asset that nobody climbs for
	source                        // extension of what builds and pipelines refer to upwards
	closedExt                     // extension of settings, logs, keys and copies
)

// leads are the kinds of which a path that does not climb has one, if it leads anywhere.
const leads = systemDir | logDir | windowsDir | configFile | secretFile | secretDir | logFile

// telling are the kinds for the sake of which a path is looked at more closely.
const telling = etcFile | leads | procFile | confDir | assetExt | codeExt

// names are the elements of sensitive paths, by category; leadHeads and leadTails are how
// those begin and end that lead somewhere.
var (
	names     = words.New(elements...)
	leadHeads = words.Heads(leading()...)
	leadTails = words.Tails(leading()...)
)

func leading() (groups []words.Group) {
	for _, g := range elements {
		if g.Kind&leads != 0 {
			groups = append(groups, g)
		}
	}
	return groups
}

var elements = []words.Group{
	{Kind: etcFile, Words: `passwd passwd- shadow shadow- gshadow group group- hosts hosts.allow hosts.deny hosts.equiv hostname issue
		issue.net motd fstab mtab crontab cron.d cron.daily sudoers sudoers.d profile bashrc resolv.conf nsswitch.conf
		ssh sshd_config ssh_config ssl apache apache2 httpd http nginx php php.ini mysql my.cnf postgresql redis redis.conf samba smb.conf exports
		services protocols networks inetd.conf xinetd.d rc.local rc.d init.d inittab ld.so.conf ld.so.preload pam.d security
		os-release lsb-release redhat-release debian_version release environment shells logrotate.d logrotate.conf
		syslog.conf rsyslog.conf vsftpd.conf proftpd.conf proftpd pure-ftpd ftpusers mail aliases postfix exim4 krb5.conf krb5.keytab
		master.passwd spwd.db kubernetes docker letsencrypt network sysconfig default apt yum.conf yum.repos.d squid cups snmp
		openldap ldap tomcat tomcat7 tomcat8 tomcat9 my.ini sysctl.conf modules timezone localtime machine-id shells skel`},
	{Kind: ambient, Words: `localtime timezone machine-id ssl certs ca-certificates pki letsencrypt docker kubernetes`},
	{Kind: systemDir, Words: `etc proc root sys dev boot`},
	{Kind: logDir, Words: `log logs spool adm cron run backups`},
	{Kind: windowsDir, Words: `windows winnt inetpub system32 boot.ini autoexec.bat config.sys sysprep sysprep.inf pagefile.sys ntuser.dat
		minint recycler win.ini system.ini unattend.xml unattended.txt $recycle.bin documents%20and%20settings windows.old ntldr
		bootmgr oot.ini xampp wamp appserv windows\win.ini`},
	{Kind: configFile, Words: `httpd.conf httpd-vhosts.conf apache2.conf apache.conf nginx.conf php.ini php.ini-recommended php5.ini my.cnf my.ini mysqld.cnf
		pg_hba.conf postgresql.conf redis.conf sshd_config ssh_config lighttpd.conf server.xml tomcat-users.xml web.xml context.xml
		web.config machine.config global.asa global.asax wp-config.php wp-config.php.bak wp-config.php.old localsettings.php
		settings.php configuration.php config.inc.php applicationhost.config metabase.xml metabase.bin proftpd.conf vsftpd.conf
		pure-ftpd.conf smb.conf smbpasswd sources.list grub.conf grub.cfg menu.lst database.yml secrets.yml application.properties
		application.yml appsettings.json parameters.yml local.xml docker-compose.yml dockerfile jboss-web.xml standalone.xml
		workers.properties mod_jk.conf catalina.policy snmpd.conf named.conf dhcpd.conf squid.conf hosts.equiv
		access.conf srm.conf httpd.conf.bak vhosts.conf default.conf phpinfo.php my.cnf.bak serv-u.ini servudaemon.ini
		wcx_ftp.ini filezilla.xml sitemanager.xml vnc.ini ultravnc.ini sam.bak php4.ini ftpd.conf`},
	{Kind: secretFile, Words: `.env .env.local .env.production .env.backup .htpasswd .htaccess .bash_history .zsh_history .sh_history .mysql_history .psql_history
		.rediscli_history .python_history .node_repl_history .viminfo .netrc .pgpass .my.cnf .npmrc .pypirc .dockercfg .dockerconfigjson
		.git-credentials .bashrc .bash_profile .bash_logout .profile .zshrc .cshrc .tcshrc .login .logout .rhosts .shosts .ds_store .bash_rc
		id_rsa id_dsa id_ecdsa id_ed25519 id_rsa.pub id_rsa.keystore authorized_keys authorized_keys2 known_hosts identity
		win.ini boot.ini system.ini ntuser.dat ntds.dit sam security.sav pwd.db spwd.db master.passwd
		passwd shadow passwd.bak shadow.bak passwd.db web-inf .wgetrc .lesshst .nano_history .xauthority .mysql.history oot.ini
		kcore`},
	{Kind: word, Words: `identity sam shadow passwd kcore repair cvs default environment modules network networks services security mail
		release profile`},
	{Kind: shared, Words: `.npmrc .bashrc .bash_profile .profile .zshrc .cshrc .tcshrc .htaccess .ds_store .wgetrc
		.vscode .idea .config .docker .gem meta-inf
		dockerfile docker-compose.yml application.yml application.properties appsettings.json parameters.yml database.yml secrets.yml local.xml`},
	{Kind: closedDir, Words: `conf config conf.d etc var log logs secret secrets private backup backups keys credentials proc root sites-available sites-enabled`},
	{Kind: secretDir, Words: `.ssh .git .svn .hg .bzr .aws .gnupg .docker .kube .azure .gcloud web-inf meta-inf repair cvs .gem .vscode .idea
		inetsrv .subversion .config`},
	{Kind: logFile, Words: `access.log access_log error.log error_log acces.log acces_log access_log.old access.log.1 auth.log syslog 
		maillog mail.log mail.err mail.warn mail.info xferlog wtmp btmp utmp lastlog faillog dmesg kern.log daemon.log user.log boot.log
		mysqld.log mysql.log mysql-bin.log mysqlderror.log vsftpd.log proftpd.log pureftpd.log pure-ftpd.log other_vhosts_access.log
		ssl_access_log ssl_error_log ssl_request_log catalina.out php_error.log php_errors.log suphp.log cron.log sshd.log ftp.log
		exim_mainlog exim_paniclog exim_rejectlog mainlog rejectlog paniclog debug.log production.log httpd-access.log httpd-error.log
		ftplog ftp-proxy.log mysql-slow.log www-access.log lighttpd.error.log lighttpd.access.log access-ssl.log error-ssl.log nginx-access.log
		yum.log auth.log.1 secure.1 audit.log`},
	{Kind: procFile, Words: `self version cmdline mounts net cpuinfo meminfo partitions modules devices environ sched_debug swaps stat status filesystems
		interrupts ioports kcore kallsyms config.gz uptime loadavg 1 sys thread-self mdstat iomem misc diskstats fb locks slabinfo`},
	{Kind: confDir, Words: `conf conf.d config etc sites-available sites-enabled vhosts.d vhost.d extra php apache apache2 httpd nginx mysql data cfg`},
	{Kind: assetExt, Words: `js mjs cjs ts tsx jsx vue svelte css scss less map png jpg jpeg gif svg webp avif ico woff woff2 ttf html htm md json mp4 pdf go rs java kt swift h hpp c cc cpp cs rb lua`},
	{Kind: media, Words: `png jpg jpeg gif svg webp avif ico woff woff2 ttf eot css scss less map mp4 webm mp3 pdf`},
	{Kind: source, Words: `yml yaml toml lock gradle props targets csproj sln proto mk cmake lua sh py txt rst adoc versions
		.gitignore .gitattributes .dockerignore .editorconfig .eslintrc .prettierrc .babelrc .npmignore .nvmrc .browserslistrc makefile dockerfile license readme`},
	{Kind: closedExt, Words: `conf cnf ini log key pem bak old sql env p12 pfx jks kdbx sqlite db htpasswd passwd`},
	{Kind: codeExt, Words: `php php3 php5 phtml asp aspx jsp jspx cgi pl cfm inc`},
}
