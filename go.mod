module kongwaf

go 1.26.0

require (
	github.com/Kong/go-pdk v0.11.2
	github.com/andybalholm/brotli v1.2.8
	github.com/gaissmai/bart v0.30.0
	github.com/klauspost/compress v1.20.3
	github.com/stretchr/testify v1.12.1
	go.yaml.in/yaml/v3 v3.0.6
	golang.org/x/net v0.62.0
	golang.org/x/sys v0.49.0
	golang.org/x/text v0.43.0
	google.golang.org/protobuf v1.36.12
)

require github.com/ugorji/go/codec v1.2.14 // indirect
