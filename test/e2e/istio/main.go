// Istio's own code as one program, for tests without Kubernetes: its control plane, its agent, its image fetcher and its
// translations to Envoy's configuration. Beside them crane, the registry client of another project.
package main

import (
	"fmt"
	"os"

	_ "attache-istio/logging"

	crane "github.com/google/go-containerregistry/cmd/crane/cmd"
	"github.com/spf13/cobra"
	"istio.io/istio/pkg/log"
)

var commands = map[string]func() *cobra.Command{
	"discovery":        discoveryCommand,
	"agent":            agentCommand,
	"crane":            func() *cobra.Command { return crane.New("crane", "registry client", nil) },
	"fetch":            fetchCommand,
	"translate-routes": translateRoutesCommand,
	"translate-authz":  translateAuthzCommand,
}

func main() {
	if len(os.Args) < 2 || commands[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: istio discovery|agent|crane|fetch|translate-routes|translate-authz …")
		os.Exit(2)
	}
	log.EnableKlogWithCobra()
	command := commands[os.Args[1]]()
	command.SetArgs(os.Args[2:])
	if err := command.Execute(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
