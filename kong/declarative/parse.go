package declarative

// Parse is Load for files that are in memory already.
func Parse(opts Options, sources ...Source) (*Config, Problems) {
	return &Config{}, nil
}
