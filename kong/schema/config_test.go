package schema_test

import (
	"encoding/json"
	"fmt"

	"kongwaf/kong/schema"
)

// gateConfig has one field of every sort, as the real plugins use them.
type gateConfig struct {
	common
	PluginID string `json:"__plugin_id" kong:"-"`
	RouteID  string `json:"route_id" kong:"-"`

	Checks    []string          `json:"checks" doc:"Which checks run, in this order." kong:"required,lenmin=1,elements.oneof=ip-restriction|detect|rate-limiting"`
	Allow     []string          `json:"allow" doc:"Addresses that may pass." kong:"elements.match=^[%x.:/]+$" err:"must be an address or CIDR range"`
	Deny      []string          `json:"deny" doc:"Addresses that may not pass." default:"10.0.0.0/8, 192.168.0.0/16"`
	Whitelist []string          `json:"whitelist" doc:"The old name of allow." kong:"deprecated=allow/4.0"`
	Status    int               `json:"status" doc:"The status of a refusal." default:"403" kong:"between=100:599"`
	Ratio     float64           `json:"ratio" doc:"A share between nothing and all." default:"0.5" kong:"between=0:1"`
	Mode      mode              `json:"mode" doc:"What happens to an attack." default:"block" kong:"required,oneof=off|monitoring|block"`
	Message   *string           `json:"message" doc:"The text of a refusal." kong:"lenmax=20"`
	Methods   []string          `json:"methods" doc:"Methods that are looked at." default:"[]" kong:"type=set"`
	Labels    map[string]string `json:"labels" doc:"Labels put on every event." default:"{}" kong:"lenmax=2,keys.match=^[%l_]+$"`
	Level     level             `json:"level" doc:"A type that reads its own text." default:"low"`
	Limits    limits            `json:"rate_limiting" doc:"Limits on the number of calls."`
	Extra     *extra            `json:"extra" doc:"An optional section of the config."`
	Keys      []credential      `json:"credentials" doc:"The keys that are known here."`
}

func (gateConfig) EntityChecks() []schema.EntityCheck {
	return []schema.EntityCheck{
		schema.MutuallyExclusive("allow", "whitelist"),
		schema.ConditionalAtLeastOneOf(schema.Condition{
			IfField: "checks", IfMatch: schema.Match{Contains: "rate-limiting"},
			ThenAtLeastOneOf: []string{"rate_limiting.second", "rate_limiting.minute"},
			ThenErr:          "rate-limiting needs one of %s",
		}),
		schema.Conditional(schema.Condition{
			IfField: "rate_limiting.policy", IfMatch: schema.Match{Eq: "redis"},
			ThenField: "rate_limiting.redis.host", ThenMatch: schema.Match{Required: true},
		}),
		schema.Custom(nil, func(config map[string]any) error {
			limits := config["rate_limiting"].(map[string]any)
			second, _ := limits["second"].(float64)
			if n, ok := limits["second"].(int64); ok {
				second = float64(n)
			}
			minute, ok := limits["minute"].(int64)
			if ok && float64(minute) < second {
				return schema.FieldError{Path: "config.rate_limiting.minute", Problem: fmt.Sprintf("%d is lower than the limit per second", minute)}
			}
			return nil
		}),
		schema.Custom(json.RawMessage(`{"distinct":["config.allow","config.deny"]}`), nil),
	}
}

type mode string

// common is embedded: its fields stand in the outer record.
type common struct {
	OnError string `json:"on_error" doc:"What answers a request that could not be judged." default:"deny" kong:"oneof=allow|deny"`
}

type limits struct {
	Second *float64    `json:"second" doc:"Calls allowed in a second." kong:"gt=0"`
	Minute *int        `json:"minute" doc:"Calls allowed in a minute." kong:"gt=0,type=number"`
	Policy string      `json:"policy" doc:"Where the counters live." default:"local" kong:"oneof=local|redis"`
	Redis  redisConfig `json:"redis" doc:"The Redis server to use."`
}

type redisConfig struct {
	Host     *string `json:"host" doc:"The name of the Redis host."`
	Port     uint16  `json:"port" doc:"The port of the Redis host." default:"6379" kong:"between=0:65535"`
	Password *string `json:"password" doc:"The password for the Redis host." kong:"referenceable,encrypted"`
}

type extra struct {
	On    bool   `json:"on" doc:"Whether the extra is on." default:"true"`
	Empty string `json:"empty" doc:"A string that may be empty." default:"" kong:"lenmin=0"`
}

type credential struct {
	Key      string `json:"key" doc:"The key that a caller sends." kong:"required,referenceable,encrypted,lenmin=4"`
	Consumer string `json:"consumer" doc:"Whom the key belongs to." default:"nobody"`
}

// level shows that a type with a text form is a string to Kong.
type level int

func (l *level) UnmarshalText(text []byte) error {
	switch string(text) {
	case "low":
		*l = 1
	case "high":
		*l = 2
	default:
		return fmt.Errorf("%q is no level: write low or high", text)
	}
	return nil
}
