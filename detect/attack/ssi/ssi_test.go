package ssi

import (
	"testing"

	"kongwaf/detect"
	"kongwaf/detect/attack/languagetest"
)

var language = languagetest.Language{Class: detect.ClassSSI, Possible: Possible, Judge: Judge, Rows: rows, Hostile: hostile}

func TestLanguage(t *testing.T)   { language.Test(t) }
func FuzzJudge(f *testing.F)      { language.Fuzz(f) }
func BenchmarkJudge(b *testing.B) { language.Benchmark(b) }

var rows = []languagetest.Row{
	{Shows: "a command", Attack: `<!--#exec cmd="id" -->`, Twin: `<!-- exec cmd="id" -->`},
	{Shows: "a file", Attack: `<!--#include virtual="/x" -->`, Twin: `<!-- #1: include the file -->`},
	{Shows: "IIS allows a blank", Attack: `<!-- #include file="x" -->`, Twin: `<!-- # heading = 1 -->`},
	{Shows: "a variable", Attack: `<!--#echo var="DOCUMENT_ROOT"-->`, Twin: `<!--#echo in the mirror-->`},
	{Shows: "the environment", Attack: `<!--#printenv-->`, Twin: `<!--printenv-->`},
	{Shows: "an edge include", Attack: `<esi:include src="http://h.example/x"/>`, Twin: `<soap:include src="x"/>`},
	{Shows: "an edge comment", Attack: `<!--esi <p>x</p> -->`, Twin: `<!--essay-->`},
	{Shows: "prose about it", Attack: `<esi:inline name="/x" fetchable="yes">`, Twin: `the <esi:include> element and its kin`, Suspicious: true},
}

var hostile = []string{
	"<",             // brackets
	"<!--",          // comments
	"<!--#set ",     // directives
	"<esi:include ", // elements
	"<!--        #", // blanks
}
