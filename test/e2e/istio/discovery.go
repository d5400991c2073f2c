package main

import (
	"errors"
	"net"

	"github.com/spf13/cobra"
	"istio.io/istio/pilot/pkg/model"
	"istio.io/istio/pilot/test/xds"
	"istio.io/istio/pkg/config"
	"istio.io/istio/pkg/test"
	"istio.io/istio/pkg/util/sets"
)

type discoveryRequest struct {
	// All Istio resources there are to be, in YAML or JSON; several are separated by lines of "---".
	Resources string `json:"resources"`
}

type discoveryAnswer struct {
	// Where agents connect.
	Address string `json:"address"`
}

// discoveryCommand is istiod's discovery server with its stores in memory in place of Kubernetes. Each line replaces all
// resources; its answer comes when they are in effect for whoever connects, and on their way to who has.
func discoveryCommand() *cobra.Command {
	command := &cobra.Command{Use: "discovery", SilenceUsage: true}
	command.RunE = func(*cobra.Command, []string) error {
		var failed error
		err := test.Wrap(func(t test.Failer) {
			server := xds.NewFakeDiscoveryServer(t, xds.FakeOptions{
				ListenerBuilder: func() (net.Listener, error) { return net.Listen("tcp", "127.0.0.1:0") },
			})
			known := sets.New[resourceKey]()
			failed = answerAll(func(request discoveryRequest) (any, error) {
				configs, err := readResources(request.Resources)
				if err != nil {
					return nil, err
				}
				if known, err = replaceAll(server.Store(), known, configs); err != nil {
					return nil, err
				}
				server.EnsureSynced(t)
				return discoveryAnswer{Address: server.Listener.Addr().String()}, nil
			})
		})
		return errors.Join(err, failed)
	}
	return command
}

type resourceKey struct {
	kind            config.GroupVersionKind
	name, namespace string
}

func replaceAll(
	store model.ConfigStoreController, known sets.Set[resourceKey], configs []config.Config,
) (sets.Set[resourceKey], error) {
	wanted := sets.New[resourceKey]()
	for _, resource := range configs {
		key := resourceKey{resource.GroupVersionKind, resource.Name, resource.Namespace}
		wanted.Insert(key)
		var err error
		if existing := store.Get(key.kind, key.name, key.namespace); existing == nil {
			_, err = store.Create(resource)
		} else {
			resource.ResourceVersion = existing.ResourceVersion
			resource.CreationTimestamp = existing.CreationTimestamp
			_, err = store.Update(resource)
		}
		if err != nil {
			return known, err
		}
	}
	for key := range known.Difference(wanted) {
		if err := store.Delete(key.kind, key.name, key.namespace, nil); err != nil {
			return known, err
		}
	}
	return wanted, nil
}
