helm uninstall kong --namespace kong
