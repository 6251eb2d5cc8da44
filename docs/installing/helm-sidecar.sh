helm upgrade --install kong kong/ingress --namespace kong --create-namespace --values kong/conf/helm/ingress-sidecar.yaml
kubectl --namespace kong rollout status deploy/kong-gateway
kubectl --namespace kong exec deploy/kong-gateway --container kong-waf -- kong-waf health
kubectl --namespace kong exec deploy/kong-gateway --container proxy -- /opt/kong-waf/kong-waf doctor --console off
kubectl --namespace kong logs deploy/kong-gateway --container kong-waf
