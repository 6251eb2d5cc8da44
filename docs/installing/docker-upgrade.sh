docker build -f kong/conf/Dockerfile -t kong-waf:0.1.1 .
docker rm --force kong
