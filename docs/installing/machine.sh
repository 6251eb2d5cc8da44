make build
sudo install -m 755 bin/kong-waf /usr/local/bin/kong-waf
kong-waf config kong.conf | sudo tee -a /etc/kong/kong.conf
sudo install -m 644 kong/conf/kong-waf.service /etc/systemd/system/kong-waf.service
sudo systemctl daemon-reload
sudo systemctl enable --now kong-waf
sudo kong restart
sudo kong-waf doctor
