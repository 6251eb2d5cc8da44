package main

import (
	"context"
	"fmt"
	"time"

	"kongwaf/kong/admin"
	"kongwaf/plugins"
)

// adminSettings say where Kong's Admin API is, from which Kong's own key-auth credentials are read.
type adminSettings struct {
	URL             string `json:"url,omitempty" doc:"Kong's Admin API, such as http://127.0.0.1:8001, https://kong-admin:8444 or unix:///run/kong/admin.socket, with a workspace as /NAME behind it. waf-key-auth then lets in Kong's own key-auth credentials too. Not read if not set."`
	TokenFile       string `json:"token_file,omitempty" doc:"File with a token for the Admin API, sent as Kong-Admin-Token. It is read each time."`
	CAFile          string `json:"ca_file,omitempty" doc:"File with the certificates, in PEM, that the Admin API's must be signed by. The system's if not set."`
	ServerName      string `json:"server_name,omitempty" doc:"Name in the Admin API's certificate. The url's host if not set."`
	Verify          bool   `json:"verify" default:"true" doc:"Whether the Admin API's certificate is verified. Only for https."`
	CertFile        string `json:"cert_file,omitempty" doc:"File with our own certificate, in PEM, for an Admin API that asks for one."`
	KeyFile         string `json:"key_file,omitempty" doc:"File with the key of that certificate, in PEM."`
	IntervalSeconds int    `json:"interval_seconds" default:"5" kong:"between=1:86400" doc:"How often credentials are read, in seconds, give or take a tenth. So long a new one may be unknown and a deleted one good. A DB-less Kong is asked for no more than whether anything has changed."`
	TimeoutSeconds  int    `json:"timeout_seconds" default:"30" kong:"between=1:600" doc:"How long reading all of them may take, in seconds."`
	MaxAgeSeconds   int    `json:"max_age_seconds" default:"0" kong:"between=0:31536000" doc:"How long the last good copy counts while the Admin API is away, in seconds; then keys that are not known otherwise are answered by on_error. 0 is for ever."`
}

// apply tells the shared state of the Admin API. The error names the setting.
func (a *adminSettings) apply(shared *plugins.Shared) error {
	if a.URL == "" {
		return nil
	}
	s := admin.Settings{
		URL: a.URL, TokenFile: a.TokenFile, CAFile: a.CAFile, ServerName: a.ServerName, NoVerify: !a.Verify,
		CertFile: a.CertFile, KeyFile: a.KeyFile, Timeout: time.Duration(a.TimeoutSeconds) * time.Second,
	}
	if _, err := admin.New(s); err != nil {
		return fmt.Errorf("admin_api.%w", err)
	}
	shared.Keys.Admin = &plugins.Admin{
		Settings: s,
		Interval: time.Duration(a.IntervalSeconds) * time.Second,
		MaxAge:   time.Duration(a.MaxAgeSeconds) * time.Second,
	}
	return nil
}

// publishKeys lets others see which keys the plugins know, and counts their uses, until ctx ends.
func publishKeys(ctx context.Context, shared *plugins.Shared) {
	go shared.Keys.Publish(ctx, shared.Sources.Folder, shared.Metrics)
}
