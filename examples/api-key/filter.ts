import {
  ByteView,
  ConfigReader,
  FilterHeaders,
  HttpFilter,
  LocalReply,
  Plugin,
  registerPlugin,
  RequestHeaders,
} from "@attache/sdk";
import { constantTimeEquals, Sha256 } from "@attache/sdk/crypto";
export * from "@attache/sdk/proxy";

const DIGEST_SIZE = 32;

/** One client, known by the SHA-256 of its key: whoever reads the configuration learns no key. */
class Client {
  readonly digest: StaticArray<u8> = new StaticArray<u8>(DIGEST_SIZE);

  constructor(readonly name: string) {}
}

class ApiKey extends Plugin {
  header: string = "";
  private clients: Client[] = [];
  private sha256: Sha256 = new Sha256();
  private digest: StaticArray<u8> = new StaticArray<u8>(DIGEST_SIZE);

  override configure(config: ConfigReader): void {
    this.header = config.string("header", "x-api-key").toLowerCase();
    const clients = config.required("clients").asArray();
    for (let i = 0; i < clients.length; i++) {
      const client = new Client(clients.at(i).required("name").asString());
      const hex = clients.at(i).required("sha256");
      const digest = ByteView.fromHex(ByteView.ofText(hex.asString()));
      if (digest !== null && digest.length == DIGEST_SIZE) {
        memory.copy(changetype<usize>(client.digest), digest.start, DIGEST_SIZE);
      } else hex.error("is no SHA-256 in hexadecimal: printf %s KEY | sha256sum");
      this.clients.push(client);
    }
  }

  override createFilter(): HttpFilter {
    return new GuardedRequest(this);
  }

  /** Whose key it is, or `null`. Looks at every client: the time does not tell how close a guess came. */
  clientOf(key: string): Client | null {
    const digest = changetype<usize>(this.digest);
    const bytes = ByteView.ofText(key);
    this.sha256.update(bytes.start, bytes.length);
    this.sha256.digest(digest);
    let found: Client | null = null;
    for (let i = 0; i < this.clients.length; i++) {
      const client = this.clients[i];
      if (constantTimeEquals(digest, changetype<usize>(client.digest), DIGEST_SIZE)) found = client;
    }
    return found;
  }
}

class GuardedRequest extends HttpFilter {
  constructor(private plugin: ApiKey) {
    super();
  }

  override onRequestHeaders(headers: RequestHeaders, endOfStream: bool): FilterHeaders {
    const keys = headers.getAll(this.plugin.header);
    const client = keys.length == 1 ? this.plugin.clientOf(keys[0]) : null;
    if (client === null) {
      return new LocalReply(401).header("www-authenticate", "ApiKey").text("a valid API key is needed\n").send();
    }
    headers.delete(this.plugin.header); // The upstream has no use for it.
    headers.set("x-client", client.name);
    return FilterHeaders.Continue;
  }
}

registerPlugin(() => new ApiKey());
