package geo

import (
	"fmt"
	"strings"
)

// Country is a country's code of two letters, as ISO 3166-1 has it, and XK for Kosovo. The
// zero value is an unknown one.
type Country [2]byte

// String returns the code, "" if it is unknown.
func (c Country) String() string {
	if c == (Country{}) {
		return ""
	}
	return string(c[:])
}

// codes are the officially assigned codes of ISO 3166-1, and XK.
const codes = "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ " +
	"CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR " +
	"GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP " +
	"KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT " +
	"MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW " +
	"SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ " +
	"UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW"

// instead are codes that people write and databases do not have.
var instead = map[string]string{"UK": "GB", "EL": "GR", "EN": "GB", "EU": "the countries of the EU, one each", "SU": "RU", "YU": "RS"}

// ParseCountry reads a code in either case. What no database would ever answer is refused.
func ParseCountry(text string) (Country, error) {
	code := strings.ToUpper(text)
	if len(code) == 2 && code[0] != ' ' && code[1] != ' ' && strings.Contains(codes, code) {
		return Country{code[0], code[1]}, nil
	}
	if better := instead[code]; better != "" {
		return Country{}, fmt.Errorf("%q is no country's code in ISO 3166: write %s", text, better)
	}
	return Country{}, fmt.Errorf("%q is no country's code of two letters (ISO 3166), such as DE", text)
}

// country reads what a database has in the place of a code.
func country(code string) (c Country) {
	if len(code) == 2 {
		c[0], c[1] = code[0]&^0x20, code[1]&^0x20
	}
	return c
}
