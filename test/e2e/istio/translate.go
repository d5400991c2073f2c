package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	hcm "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"
	"istio.io/istio/pilot/pkg/config/kube/crd"
	"istio.io/istio/pilot/pkg/model"
	"istio.io/istio/pilot/pkg/networking"
	"istio.io/istio/pilot/pkg/networking/core"
	"istio.io/istio/pilot/pkg/networking/plugin/authn"
	"istio.io/istio/pilot/pkg/networking/plugin/authz"
	"istio.io/istio/pkg/config"
	"istio.io/istio/pkg/config/schema/collections"
	"istio.io/istio/pkg/test"
	"istio.io/istio/pkg/util/protomarshal"
)

type translateRequest struct {
	// Istio resources in YAML or JSON; several are separated by lines of "---".
	Resources string `json:"resources"`
	// The proxy that they are translated for; a gateway when absent.
	Proxy proxyRequest `json:"proxy"`
}

type proxyRequest struct {
	// "router" (a gateway) or "sidecar".
	Type model.NodeType `json:"type"`
	// Of the proxy; "default" when absent.
	Namespace string `json:"namespace"`
	// Of the proxy's workload; istio=ingressgateway when absent.
	Labels map[string]string `json:"labels"`
}

// translateRoutesCommand gives the route configurations that pilot generates for a proxy: {"routes": [RouteConfiguration…]}.
func translateRoutesCommand() *cobra.Command {
	return answerLines("translate-routes", "VirtualServices to Envoy's routes", func(request translateRequest) (any, error) {
		var routes []json.RawMessage
		err := translate(request, func(pilot *core.ConfigGenTest, proxy *model.Proxy) (err error) {
			routes, err = encode(pilot.Routes(proxy))
			return err
		})
		return map[string]any{"routes": routes}, err
	})
}

// translateAuthzCommand gives the HTTP filters that pilot's security policies become: {"filters": [HttpFilter…]}, in the
// order of the chain: CUSTOM, RequestAuthentication, then DENY, ALLOW and AUDIT.
func translateAuthzCommand() *cobra.Command {
	return answerLines("translate-authz", "security policies to Envoy's filters", func(request translateRequest) (any, error) {
		var filters []json.RawMessage
		err := translate(request, func(pilot *core.ConfigGenTest, proxy *model.Proxy) (err error) {
			push := pilot.PushContext()
			class := networking.ListenerClassGateway
			if proxy.Type == model.SidecarProxy {
				class = networking.ListenerClassSidecarInbound
			}
			var all []*hcm.HttpFilter
			all = append(all, authz.NewBuilder(authz.Custom, push, proxy, false).BuildHTTP(class)...)
			all = append(all, authn.NewBuilder(push, proxy).BuildHTTP(class)...)
			all = append(all, authz.NewBuilder(authz.Local, push, proxy, false).BuildHTTP(class)...)
			filters, err = encode(all)
			return err
		})
		return map[string]any{"filters": filters}, err
	})
}

// translate lets pilot take the resources up for one proxy.
func translate(request translateRequest, use func(*core.ConfigGenTest, *model.Proxy) error) error {
	configs, err := readResources(request.Resources)
	if err != nil {
		return err
	}
	var failed error
	err = test.Wrap(func(t test.Failer) {
		pilot := core.NewConfigGenTest(t, core.TestOptions{Configs: configs})
		failed = use(pilot, pilot.SetupProxy(proxyOf(request.Proxy)))
	})
	return errors.Join(err, failed)
}

func proxyOf(request proxyRequest) *model.Proxy {
	proxy := &model.Proxy{Type: request.Type, ConfigNamespace: request.Namespace, Labels: request.Labels}
	if proxy.Type == "" {
		proxy.Type = model.Router
	}
	if proxy.ConfigNamespace == "" {
		proxy.ConfigNamespace = "default"
	}
	if proxy.Labels == nil {
		proxy.Labels = map[string]string{"istio": "ingressgateway"}
	}
	proxy.Metadata = &model.NodeMetadata{Namespace: proxy.ConfigNamespace, Labels: proxy.Labels}
	return proxy
}

// readResources reads and validates them, as istiod's webhook does.
func readResources(text string) ([]config.Config, error) {
	configs, unknown, err := crd.ParseInputs(text)
	if err != nil {
		return nil, err
	}
	var problems []error
	for _, resource := range unknown {
		problems = append(problems, fmt.Errorf("%s/%s: unknown kind", resource.APIVersion, resource.Kind))
	}
	for i := range configs {
		resource := &configs[i]
		if resource.Namespace == "" {
			resource.Namespace = "default"
		}
		// Of equals the older comes first: here, the one that was given first.
		resource.CreationTimestamp = time.Unix(int64(i), 0)
		schema, ok := collections.Pilot.FindByGroupVersionAliasesKind(resource.GroupVersionKind)
		if !ok {
			problems = append(problems, fmt.Errorf("%s: unknown kind", resource.GroupVersionKind))
		} else if _, err := schema.ValidateConfig(*resource); err != nil {
			problems = append(problems, fmt.Errorf("%s %s: %s", resource.GroupVersionKind.Kind, resource.Name, oneLine(err)))
		}
	}
	return configs, errors.Join(problems...)
}

func encode[Message proto.Message](messages []Message) ([]json.RawMessage, error) {
	encoded := make([]json.RawMessage, 0, len(messages))
	for _, message := range messages {
		text, err := protomarshal.MarshalProtoNames(message)
		if err != nil {
			return nil, err
		}
		encoded = append(encoded, text)
	}
	return encoded, nil
}

func oneLine(err error) string {
	return strings.Join(strings.Fields(err.Error()), " ")
}
