package main

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"time"

	"github.com/spf13/cobra"
	"istio.io/istio/pkg/util/sets"
	"istio.io/istio/pkg/wasm"
)

type fetchRequest struct {
	// As in a WasmPlugin, with its scheme.
	URL string `json:"url"`
	// As in a WasmPlugin: of the manifest for oci://, of the module for http(s)://.
	SHA256 string `json:"sha256"`
}

type fetched struct {
	Bytes int `json:"bytes"`
	// Of the module.
	SHA256 string `json:"sha256"`
}

// fetchCommand loads modules as Istio's agent does, each into an empty cache. Every registry may be insecure.
func fetchCommand() *cobra.Command {
	return answerLines("fetch", "load modules as Istio's agent does", func(request fetchRequest) (any, error) {
		folder, err := os.MkdirTemp("", "attache-fetch-")
		if err != nil {
			return nil, err
		}
		defer os.RemoveAll(folder)
		cache := wasm.NewLocalFileCache(folder, wasm.Options{
			InsecureRegistries: sets.New("*"),
			// What the agent has when nothing is set.
			HTTPRequestTimeout:    wasm.DefaultHTTPRequestTimeout,
			HTTPRequestMaxRetries: wasm.DefaultHTTPRequestMaxRetries,
		})
		defer cache.Cleanup()
		path, err := cache.Get(request.URL, wasm.GetOptions{
			Checksum:        request.SHA256,
			ResourceName:    "default.plugin",
			ResourceVersion: "1",
			RequestTimeout:  30 * time.Second,
		})
		if err != nil {
			return nil, err
		}
		module, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(module)
		return fetched{Bytes: len(module), SHA256: hex.EncodeToString(sum[:])}, nil
	})
}
