sudo sed -i '/^# Fragment for kong.conf: kong-waf/,$d' /etc/kong/kong.conf
sudo kong reload
sudo systemctl disable --now kong-waf
sudo rm /etc/systemd/system/kong-waf.service /usr/local/bin/kong-waf
sudo systemctl daemon-reload
