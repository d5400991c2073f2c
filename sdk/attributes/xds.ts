import { ByteView } from "../memory/byte-view";
import { getProperty, getPropertyAt } from "./property";
import { attributeInteger, attributeText } from "./value";

/**
 * Where in the proxy's configuration the stream is, by the names of Envoy's `xds.*`. Those of the node exist in every
 * callback, in the plugin's too; the others in those of a stream. Metadata are the bytes of an
 * `envoy.config.core.v3.Metadata`.
 *
 * Each read is one host call (about 0.55 µs). Text that is absent is `null`, a number -1.
 *
 * Source: https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/advanced/attributes
 */
export class xds {
  /**
   * Id of the proxy. In Istio: `sidecar~10.0.0.1~pod.namespace~namespace.svc.cluster.local`. Exists in every
   * callback.
   */
  static get nodeId(): string | null {
    return attributeText(getPropertyAt("xds\0node\0id"));
  }

  /** Service cluster of the proxy. Exists in every callback. */
  static get nodeCluster(): string | null {
    return attributeText(getPropertyAt("xds\0node\0cluster"));
  }

  /** The proxy itself: the bytes of an `envoy.config.core.v3.Node`, some 60 KB. Exists in every callback. */
  static get node(): ByteView | null {
    return getPropertyAt("xds\0node");
  }

  /** Cluster that the route selects. Exists once the route was selected. */
  static get clusterName(): string | null {
    return attributeText(getPropertyAt("xds\0cluster_name"));
  }

  /** Metadata of that cluster. */
  static get clusterMetadata(): ByteView | null {
    return getPropertyAt("xds\0cluster_metadata");
  }

  /** Name of the route; empty when it has none. Exists once the route was selected. */
  static get routeName(): string | null {
    return attributeText(getPropertyAt("xds\0route_name"));
  }

  /** Metadata of the route. */
  static get routeMetadata(): ByteView | null {
    return getPropertyAt("xds\0route_metadata");
  }

  /** Name of the virtual host. Exists once the route was selected. */
  static get virtualHostName(): string | null {
    return attributeText(getPropertyAt("xds\0virtual_host_name"));
  }

  /** Metadata of the virtual host. */
  static get virtualHostMetadata(): ByteView | null {
    return getPropertyAt("xds\0virtual_host_metadata");
  }

  /** Metadata of the upstream host. Exists once one was chosen and if it has any. */
  static get upstreamHostMetadata(): ByteView | null {
    return getPropertyAt("xds\0upstream_host_metadata");
  }

  /** Metadata of that host's locality. As the host's. */
  static get upstreamHostLocalityMetadata(): ByteView | null {
    return getPropertyAt("xds\0upstream_host_locality_metadata");
  }

  /** Name of the listener's filter chain; empty when it has none. */
  static get filterChainName(): string | null {
    return attributeText(getPropertyAt("xds\0filter_chain_name"));
  }

  /** 0: not told, 1: inbound, 2: outbound. */
  static get listenerDirection(): i32 {
    return <i32>attributeInteger(getPropertyAt("xds\0listener_direction"));
  }

  /** Metadata of the listener. */
  static get listenerMetadata(): ByteView | null {
    return getPropertyAt("xds\0listener_metadata");
  }

  /**
   * Text under `key` of the proxy's metadata. In Istio: `NAME` and `NAMESPACE` of the pod, `WORKLOAD_NAME`,
   * `CLUSTER_ID`, `MESH_ID`. Exists in every callback. {@link getProperty} reads what is no text.
   */
  static nodeMetadata(key: string): string | null {
    return attributeText(getProperty("xds\0node\0metadata", key));
  }
}

/** Which plugin this is in the proxy's configuration. Exists in every callback. One host call each (about 0.55 µs). */
export class pluginIdentity {
  /** Name of the plugin. */
  static get name(): string | null {
    return attributeText(getPropertyAt("plugin_name"));
  }

  /** Its `root_id`; empty when it has none, as in Istio. */
  static get rootId(): string | null {
    return attributeText(getPropertyAt("plugin_root_id"));
  }

  /** Its `vm_id`; empty when it has none, as in Istio. */
  static get vmId(): string | null {
    return attributeText(getPropertyAt("plugin_vm_id"));
  }
}
