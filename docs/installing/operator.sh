kubectl --namespace kong apply --filename kong/conf/operator/dataplane-sidecar.yaml
kubectl --namespace kong get dataplane kong-waf
