package shell

import "kongwaf/detect/attack/words"

// What is known about a command's name: how telling it is, and which arguments fit it.
const (
	plain        uint32 = 1 << iota // also an English word or a common field name: the name alone says little
	alone                           // does something without arguments
	takesPath                       // a file, a directory, an option
	takesHost                       // a host, an address, a URL
	takesNumber                     // a number: sleep 10
	takesCode                       // an option with code or another command: sh -c, perl -e, nc -e
	takesCommand                    // runs its arguments: sudo id
	takesWords                      // anything: echo x
	takesSlash                      // options begin with a slash: ipconfig /all
	takesVerb                       // a word of the verbs table: net user
	keyword                         // a word before which a command list begins: do, then
	compound                        // begins a compound command: for, if, case
	takesSum                        // a sum of numbers: expr 1 + 2
	prelude                         // as a value of its own it is what people look for, or does nothing: cd /tmp, npm install
)

// commands are the commands of POSIX systems, cmd.exe and PowerShell that are of use to
// an intruder, by what they take.
var commands = words.New(
	words.Group{Kind: alone, Words: `whoami ifconfig ipconfig systeminfo uname netstat lsof printenv ipconfig
		sysinfo ls tasklist getmac hostnamectl lsb_release nproc uptime lsmod dmesg lscpu lsblk ps netsh ntsd
		driverquery getuid nbtstat`},
	words.Group{Kind: alone | plain, Words: `id dir pwd who date env hostname route arp top users groups last df du
		history export jobs ver vol tree logname finger mount halt reboot poweroff shutdown free true false calc notepad help
		sh bash ps cal stat gpresult`},
	words.Group{Kind: takesPath, Words: `ls ll tac nl od xxd hexdump strings chmod chown chgrp mkdir rmdir rm cp mv ln
		grep egrep fgrep zgrep zcat bzcat xzcat awk gawk mawk nawk sed mkfifo mknod dd shred unlink tar gzip gunzip bzip2 unzip
		base64 base32 md5sum sha1sum sha256sum cksum readlink realpath dirname basename rev diff cmp
		vim nano pico vi emacs xcopy robocopy findstr attrib icacls cacls takeown rmdir deltree
		uudecode uuencode openssl gcc cc make crontab chattr setfacl ldd insmod xargs tee wc
		get-content get-childitem get-item set-content add-content out-file remove-item copy-item move-item
		new-item invoke-item set-location rundll32 regsvr32 mshta msiexec cscript wscript certutil psexec
		lsattr du df`},
	words.Group{Kind: takesPath | plain, Words: `cat dir type more less head tail sort cut uniq find touch stat file copy move
		del erase rename ren paste fold split join cd pushd install cpio strip print pg locate
		md rd echo source mount umount format start compact expand which whereis top tree sum tr comm bat`},
	words.Group{Kind: takesHost, Words: `wget curl nslookup dig traceroute tracert traceroute6 ping6 telnet ssh scp sftp rsync ftp tftp nc ncat netcat
		socat getent whois nmap rsh rlogin lynx links w3m fetch axel aria2c bitsadmin certutil ping.exe tracepath pathping
		invoke-webrequest iwr invoke-restmethod irm smbclient showmount masscan hping3 mosh mshta rundll32 regsvr32 msiexec`},
	words.Group{Kind: takesHost | plain, Words: `ping host fetch net finger mail arp route`},
	words.Group{Kind: takesNumber, Words: `usleep`},
	words.Group{Kind: takesNumber | plain, Words: `sleep timeout kill seq start-sleep`},
	words.Group{Kind: takesCode, Words: `bash zsh ksh csh tcsh dash ash fish pwsh powershell cmd perl python python2 python3 python2.7 ruby php php5 php7
		php8 lua node nodejs tclsh nc ncat netcat socat busybox awk gawk sed wmic schtasks osascript ghc erl gdb irb jrunscript jjs groovy
		powershell.exe cmd.exe sqlcmd mysql psql sqlite3 java openssl docker vbs`},
	words.Group{Kind: takesCode | plain, Words: `sh at su script expect find tar env ex ed vi vim`},
	words.Group{Kind: takesCommand, Words: `sudo nohup xargs busybox setsid chroot strace ltrace stdbuf doas runuser sg unshare nsenter
		ionice taskset iex invoke-expression invoke-command icm toybox`},
	words.Group{Kind: takesCommand | plain, Words: `exec eval trap system env time nice timeout command builtin watch start call coproc at runas su batch script`},
	words.Group{Kind: takesWords, Words: `printf write-output write-host killall pkill`},
	words.Group{Kind: takesWords | plain, Words: `echo print expr test`},
	words.Group{Kind: takesSum | plain, Words: `expr`},
	words.Group{Kind: takesSlash, Words: `ipconfig tasklist taskkill systeminfo schtasks cmd findstr xcopy icacls bitsadmin certutil net netsh reg cmd.exe wmic msiexec rundll32 regsvr32`},
	words.Group{Kind: takesSlash | plain, Words: `timeout dir del copy tree type set shutdown`},
	words.Group{Kind: takesVerb, Words: `netsh wmic systemctl iptables useradd usermod userdel adduser passwd vssadmin bcdedit net1 ip6tables setenforce apt-get yum`},
	words.Group{Kind: takesVerb | plain, Words: `net reg sc service ip query at user`},
	words.Group{Kind: keyword, Words: `do then else elif !`},
	words.Group{Kind: prelude, Words: `cd chdir pushd set-location man`},
	words.Group{Kind: takesVerb, Words: `ps`},
	words.Group{Kind: takesVerb | plain | prelude, Words: `docker kubectl git pip pip3 npm npx gem cargo brew apt snap dnf apk pacman helm podman terraform aws gcloud make go yarn`},
	words.Group{Kind: compound, Words: `for select while until if case function`},
)

// languages are interpreters whose options mean little unless they carry code: python -m x.
var languages = words.New(words.Group{Kind: 1, Words: `python python2 python3 node nodejs ruby perl php lua java`})

// verbs are what stands after a command of takesVerb, or a program after `which`.
var verbs = words.New(words.Group{Kind: 1, Words: `user users view localgroup group share use start stop session accounts time config
	add query delete save export import load copy compare restore firewall advfirewall interface wlan process os service qfe
	create failover list shadows show set status enable disable restart addr link route neigh addr a r
	get clone pull push run exec images pods logs apply build
	aux auxw auxww ax -ef -l -a -f -s -i -d -p -t hacker root install nc ncat netcat wget curl gcc perl python python3 bash socat useraccount computersystem`})

// powershell are the verbs of PowerShell's command names (Verb-Noun).
var powershell = words.New(words.Group{Kind: 1, Words: `get set new remove invoke start stop add out import export write read copy move
	rename clear test select sort where foreach convertto convertfrom compare measure join split resolve restart resume
	suspend enable disable register unregister update wait format group trace tee push pop`})

// binDirs are the directories in which commands live.
var binDirs = words.New(words.Group{Kind: 1, Words: `bin sbin system32 libexec busybox games syswow64`})
