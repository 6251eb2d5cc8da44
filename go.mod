module kongwaf

go 1.26.0

require github.com/Kong/go-pdk v0.11.2

require (
	github.com/stretchr/testify v1.12.1 // indirect
	go.yaml.in/yaml/v3 v3.0.6 // indirect
	google.golang.org/protobuf v1.36.12 // indirect
)
