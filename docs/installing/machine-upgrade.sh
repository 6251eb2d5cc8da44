make build
sudo install -m 755 bin/kong-waf /usr/local/bin/kong-waf.new
sudo mv /usr/local/bin/kong-waf.new /usr/local/bin/kong-waf
sudo systemctl reload kong-waf
sudo kong reload
sudo kong-waf doctor
