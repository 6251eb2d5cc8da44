package ldap

import (
	"testing"

	"kongwaf/detect"
	"kongwaf/detect/attack/languagetest"
)

var language = languagetest.Language{Class: detect.ClassLDAPi, Possible: Possible, Judge: Judge, Rows: rows, Hostile: hostile}

func TestLanguage(t *testing.T)   { language.Test(t) }
func FuzzJudge(f *testing.F)      { language.Fuzz(f) }
func BenchmarkJudge(b *testing.B) { language.Benchmark(b) }

var rows = []languagetest.Row{
	{Shows: "filter closed, another opened", Attack: "*)(uid=*))(|(uid=*", Twin: "(a) (b=c) (d|e)"},
	{Shows: "always true", Attack: "admin)(&)", Twin: "admin (&co)"},
	{Shows: "always false", Attack: "admin)(!(&(1=0", Twin: "admin) (not 1=0)"},
	{Shows: "every object", Attack: "*)(objectClass=*", Twin: "a) objectClass=*"},
	{Shows: "attribute probing", Attack: "admin*)(userPassword=a*", Twin: "f(x)(y=2)"},
	{Shows: "alternative opened", Attack: "x)(|(cn=*", Twin: "x) (|| cn == y)"},
	{Shows: "double bracket", Attack: "admin*)((|userPassword=*)", Twin: "smile :) ((hugs))"},
	{Shows: "set behind a value", Attack: "*(|(mail=*))", Twin: "*(mail)"},
	{Shows: "rest cut off", Attack: "*))\x00", Twin: "*))"},
	{Shows: "whole filter", Attack: "(&(uid=admin)(!(userPassword=q)))", Twin: "(&) and (|) are sets"},
	{Shows: "extensible match", Attack: "userPassword:2.5.13.18:=123", Twin: "time:12:=5"},
	{Shows: "unknown attribute", Attack: "x)(role=admin)(a=*", Twin: "x)(role)"},
	{Shows: "spaces", Attack: "* ) ( cn = *", Twin: "* ) ( see = below )"},
	{Shows: "comparison operators", Attack: "x)(uidNumber>=0", Twin: "x) (n >= 0)"},
	{Shows: "program text", Attack: "x)(|(sn~=a", Twin: "if (!(a=b) && (c=d)) f(x)"},
	{Shows: "function calls", Attack: "a)(cn=b)(sn=*", Twin: "max(1)(a=2)"},
	{Shows: "regular expression", Attack: "x*)(dc=*", Twin: "^(?:a|b)*(c=d)$"},
	{Shows: "CSS", Attack: "*)(member=*", Twin: "a:not(.b)(c=1)"},
}

var hostile = []string{"(", ")", "*)", ")(", "*)(a=", "(&", "(|(", "a:1.1.1:=", "a", "(!(a=b", ")(uid=*)"}
