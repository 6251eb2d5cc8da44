package schema_test

import (
	"fmt"

	"kongwaf/kong/schema"
)

func Example() {
	type Config struct {
		PluginID string   `json:"__plugin_id" kong:"-"`
		Allow    []string `json:"allow" doc:"Addresses that may pass." kong:"required,lenmin=1"`
		Status   int      `json:"status" doc:"The status of a refusal." default:"403" kong:"between=100:599"`
	}
	s, err := schema.Of("waf-example", Config{}, schema.Protocols("https"))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(s.JSON()))

	var c Config
	fmt.Println(s.Decode([]byte(`{"allow":["::1"],"__plugin_id":"p","__seq__":7}`), &c), c)
	fmt.Println(s.Decode([]byte(`{"alow":"::1","status":1}`), &c))
	// Output:
	// {"name":"waf-example","fields":[{"protocols":{"type":"set","required":true,"default":["https"],"description":"The request protocols that this plugin runs for.","elements":{"type":"string","one_of":["https"]}}},{"config":{"type":"record","required":true,"fields":[{"allow":{"type":"array","required":true,"description":"Addresses that may pass.","len_min":1,"elements":{"type":"string"}}},{"status":{"type":"integer","default":403,"description":"The status of a refusal.","between":[100,599]}}]}}]}
	// <nil> {p [::1] 403}
	// config.allow: required field missing: an array of strings; config.status: 1 is not between 100 and 599; config.alow: unknown field: did you mean allow?
}
