// Package logging keeps stdout for answers: Istio's packages log to it while they are initialised. This package comes
// before them, because packages are initialised in the order of their paths once what they import is.
package logging

import "istio.io/istio/pkg/log"

func init() {
	options := log.DefaultOptions()
	options.OutputPaths = []string{"stderr"}
	options.SetDefaultOutputLevel(log.DefaultScopeName, log.WarnLevel)
	if err := log.Configure(options); err != nil {
		panic(err)
	}
}
