docker rm --force kong
docker rmi kong-waf:0.1.0
