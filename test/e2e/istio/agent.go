package main

import (
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
	meshconfig "istio.io/api/mesh/v1alpha1"
	"istio.io/istio/pilot/cmd/pilot-agent/app"
	istioagent "istio.io/istio/pkg/istio-agent"
	"istio.io/istio/pkg/security"
	"istio.io/istio/security/pkg/nodeagent/sds"
)

// agentCommand is pilot-agent, with all its own arguments. It ends with its input, and Envoy with it: whoever started it
// cannot leave it behind.
func agentCommand() *cobra.Command {
	// Whoever would read the log may be gone by then.
	signal.Ignore(syscall.SIGPIPE)
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		_ = syscall.Kill(os.Getpid(), syscall.SIGTERM)
	}()
	return app.NewRootCommand(func(
		options *security.Options, secrets security.SecretManager, keyProvider *meshconfig.PrivateKeyProvider,
	) istioagent.SDSService {
		return sds.NewServer(options, secrets, keyProvider)
	})
}
