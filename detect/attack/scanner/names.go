package scanner

import (
	"strings"

	"kongwaf/detect/attack/words"
)

const (
	tool    uint32 = 1 << iota // an attack tool: nobody else sends its name
	weak                       // also used with good intent: monitoring, research
	secret                     // a path element that only probes ask for
	probe                      // a path element that probes ask for, and administrators too
	callout                    // a domain by which tools see that a server called out
	canary                     // a string that scanners leave to find again
	header                     // a header that only scanners send
	ambient                    // of the probes: an everyday word, which means something as the first element only
)

var names = words.New(
	words.Group{Kind: tool, Words: `sqlmap nikto nessus acunetix nuclei dirbuster gobuster wpscan masscan openvas openvas-vt openvasvt w3af arachni
		skipfish netsparker invicti appscan webinspect burpsuite burpcollaborator havij sqlninja bbqsql jsql commix xsser xsstrike dalfox
		wfuzz ffuf feroxbuster dirb dirsearch whatweb wapiti vega paros zmeu jaeles zgrab zgrab2 nmap hydra medusa metis grabber
		brutus pangolin joomscan droopescan cmsmap golismero sitadel webshag webvulnscan fimap dotdotpwn padbuster arjun
		detectify qualys qualysguard nexpose rapid7 websecurify n-stealth nstealth blackwidow morfeus siphon sqlier absinthe bsqlbf
		prog.customcrawler autogetcontent internet-exploiter-sux sqlpowerinjector mysqloit advanced-sql-injector
		fhscan proxystrike uniscan ratproxy kiterunner httprobe naabu katana xray goby afrog ysoserial beef hexometer pwndrop
		cookiescan whcc libwhisker weevely evilscan zap zaproxy fimap whisker wafw00f joomscan nosqlmap tplmap`},
	words.Group{Kind: weak, Words: `zgrab zgrab2 censys censysinspect shodan internetmeasurement expanse projectdiscovery leakix netcraft httpx zmap xray goby beef zap katana nmap siphon vega metis grabber arjun`},
	services,
	words.Group{Kind: secret, Words: `.git .svn .hg .bzr .env .htpasswd .htaccess .aws .ssh .bash_history .mysql_history .git-credentials .npmrc .pypirc
		wp-config.php~ wp-config.php.bak wp-config.bak wp-config.old wp-config.txt .env.local .env.production .env.bak .env.old .env.save .env.backup
		id_rsa id_dsa web.config.bak dump.sql backup.sql database.sql db.sql .dockerenv .kube`},
	words.Group{Kind: probe, Words: `phpmyadmin pma adminer.php phpinfo.php info.php server-status server-info .ds_store actuator jmx-console web-console
		invoker manager wp-login.php xmlrpc.php cgi-bin boaform hnap1 solr jenkins owa ecp telescope _ignition _profiler debug elmah.axd trace.axd
		eval-stdin.php vendor phpunit setup.cgi shell.php c99.php r57.php wso.php cmd.php cmd.jsp shell.jsp`},
	words.Group{Kind: ambient, Words: `actuator invoker manager solr jenkins telescope debug vendor phpunit owa ecp pma`},
	words.Group{Kind: canary, Words: `acunetix_wvs_security_test acunetix_wvs_invalid_filename appscan_fingerprint acunetix_test`},
	words.Group{Kind: header, Words: `x-scanner x-scan-memo x-wipp x-ratproxy-loop x-wvs-id acunetix-aspect acunetix-aspect-password acunetix-aspect-queries acunetix-user-agreement acunetix-scanning-agreement acunetix-product x-netsparker-scan-id x-appscan x-nessus x-burp-test
		x-qualys-scan-id x-arachni-scan-seed x-w3af x-nuclei`},
)

// phrases are names of several words.
var phrases = [...]string{"fuzz faster u fool", ".nasl", "mozilla/4.75 [en] (x11, u;", "sql injection", "security scan", "vulnerability scan", "web vulnerability", "burp suite", "scan by"}

// phraseSeams holds the three bytes behind the first word of each phrase: the words
// themselves are in every browser's name.
var phraseSeams = func() *words.Trigrams {
	t := new(words.Trigrams)
	for _, p := range phrases {
		i := strings.IndexAny(p, " ./")
		t.Add(p[i], p[i+1], p[i+2])
	}
	return t
}()

// services are the domains by which tools see that a server called out. Tunnels to the
// developer's own machine (ngrok, pipedream) are none: webhooks are sent there all day.
var services = words.Group{Kind: callout, Words: `burpcollaborator.net oastify.com interact.sh interactsh.com oast.me oast.pro oast.live oast.site oast.online oast.fun
		dnslog.cn dnslog.pw ceye.io requestbin.net requestbin.com requestcatcher.com webhook.site canarytokens.com canarytokens.org bxss.me bxss.in
		xss.ht ezxss.com burpcollaborator.com requestrepo.com eyes.sh dnsbin.zhack.ca
		vulnweb.com r87.me r87.com hookbin.com pingb.in tukar.me sslip.dev 0x.gy bind.cloud dns.outbound.watchtowr.com xss.report`}

// calloutDots holds the byte before and the two behind the last dot of the services' names.
var calloutDots = func() *words.Trigrams {
	t := new(words.Trigrams)
	for _, name := range strings.Fields(services.Words) {
		i := strings.LastIndexByte(name, '.')
		t.Add(name[i-1], name[i+1], name[i+2])
	}
	return t
}()
