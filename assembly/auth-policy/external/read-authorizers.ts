import { ConfigReader } from "@attache/sdk";
import { Authorizer } from "./authorizer";
import { GrpcAuthorizer } from "./grpc-authorizer";
import { HttpAuthorizer } from "./http-authorizer";
import { OpaAuthorizer } from "./opa-authorizer";

/** Reads Istio's `extensionProviders`, in the order in which they are asked: by name. */
export function readAuthorizers(config: ConfigReader): Authorizer[] {
  const authorizers: Authorizer[] = [];
  for (let index = 0; index < config.length; index++) {
    const provider = config.at(index).asObject();
    const name = provider.string("name", "");
    if (name.length == 0) provider.error("`name` must not be empty");
    if (findAuthorizer(authorizers, name) !== null)
      provider.get("name").error("another provider has this name already");
    const kinds =
      i32(provider.has("envoyExtAuthzHttp")) + i32(provider.has("envoyExtAuthzGrpc")) + i32(provider.has("opa"));
    if (kinds != 1) {
      provider.error("exactly one of envoyExtAuthzHttp, envoyExtAuthzGrpc and opa must be set");
      continue;
    }
    if (provider.has("envoyExtAuthzHttp")) {
      insert(authorizers, new HttpAuthorizer(name, provider.object("envoyExtAuthzHttp")));
    } else if (provider.has("envoyExtAuthzGrpc")) {
      insert(authorizers, new GrpcAuthorizer(name, provider.object("envoyExtAuthzGrpc")));
    } else {
      insert(authorizers, new OpaAuthorizer(name, provider.object("opa")));
    }
  }
  return authorizers;
}

function insert(authorizers: Authorizer[], authorizer: Authorizer): void {
  let at = authorizers.length;
  authorizers.push(authorizer);
  for (; at > 0 && authorizer.name < authorizers[at - 1].name; at--) authorizers[at] = authorizers[at - 1];
  authorizers[at] = authorizer;
}

export function findAuthorizer(authorizers: Authorizer[], name: string): Authorizer | null {
  for (let index = 0; index < authorizers.length; index++) {
    if (authorizers[index].name == name) return authorizers[index];
  }
  return null;
}
