docker build -f kong/conf/Dockerfile -t registry.example.com/kong-waf:0.1.0 .
docker push registry.example.com/kong-waf:0.1.0
helm repo add kong https://charts.konghq.com
helm upgrade --install kong kong/ingress --namespace kong --create-namespace --values kong/conf/helm/ingress-image.yaml
