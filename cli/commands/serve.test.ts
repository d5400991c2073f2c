import { connect } from "node:net";
import { copyFile, mkdtemp, mkdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Duplex } from "node:stream";
import tls from "node:tls";
import { fileURLToPath } from "node:url";
import { findEnvoy } from "@attache/harness/envoy";
import { withoutEnvoy } from "@attache/harness/vitest";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { jsonOutput } from "../serve/output.ts";
import { serveCommand } from "./serve.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const envoy = await findEnvoy();

/** What a running command has said, and a way to wait for more. */
class Said {
  readonly lines: Record<string, unknown>[] = [];
  #waiting: (() => void)[] = [];
  readonly output = jsonOutput((text) => {
    this.lines.push(JSON.parse(text));
    for (const check of [...this.#waiting]) check();
  });

  /** The first line from number `from` on with this event and text. */
  async wait(event: string, text: string, from = 0): Promise<Record<string, unknown>> {
    return await new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`no ${event} "${text}" in ${JSON.stringify(this.lines)}`)),
        20_000,
      );
      const check = () => {
        const found = this.lines
          .slice(from)
          .find((line) => line["event"] === event && JSON.stringify(line).includes(text));
        if (found === undefined) return;
        clearTimeout(timer);
        this.#waiting = this.#waiting.filter((other) => other !== check);
        resolve(found);
      };
      this.#waiting.push(check);
      check();
    });
  }
}

/** What a TLS client begins with. */
async function clientHello(servername: string): Promise<Uint8Array> {
  return await new Promise((resolve) => {
    const wire = new Duplex({ read: () => {}, write: (bytes: Buffer) => resolve(bytes) });
    tls.connect({ socket: wire, servername }).on("error", () => {});
  });
}

describe.each(["emulator", "envoy"] as const)("attache serve [%s]", (kind) => {
  describe.skipIf(kind === "envoy" && envoy === null)(envoy === null ? withoutEnvoy : "", () => {
    let folder: string;
    let source: string;
    beforeEach(async () => {
      folder = await mkdtemp(join(tmpdir(), "attache-serve-test-"));
      source = join(folder, "greeter");
      await mkdir(source);
      await symlink(`${root}node_modules`, join(folder, "node_modules"));
      await copyFile(`${root}examples/hello-headers/package.json`, join(source, "package.json"));
      await copyFile(`${root}examples/hello-headers/filter.ts`, join(source, "filter.ts"));
    });
    afterEach(async () => await rm(folder, { recursive: true, force: true }));

    async function change(from: string, to: string): Promise<void> {
      const file = join(source, "filter.ts");
      await writeFile(file, (await readFile(file, "utf8")).replace(from, to));
    }

    it("serves a filter's folder, and takes up changes; broken ones are told and change nothing", async () => {
      const said = new Said();
      const stop = new AbortController();
      const ended = serveCommand({ source, kind, port: 0, logLevel: "info" }, said.output, stop.signal);
      const { address } = await said.wait("status", " at http");
      const greeting = async () => (await fetch(String(address))).headers.get("x-hello");
      try {
        expect(await greeting()).toBe("world");
        expect(await said.wait("exchange", "GET")).toMatchObject({ method: "GET", path: "/", status: 200 });
        await change('"world"', '"moon"');
        await said.wait("status", "reloaded in");
        expect(await greeting()).toBe("moon");
        await change('headers.set("x-hello"', 'headers.sett("x-hello"');
        await said.wait("problem", "sett");
        expect(await greeting()).toBe("moon");
        const before = said.lines.length;
        await change('headers.sett("x-hello", "moon")', 'headers.set("x-hello", "sun")');
        await said.wait("status", "reloaded in", before);
        expect(await greeting()).toBe("sun");
      } finally {
        stop.abort();
        await ended;
      }
      await expect(fetch(String(address))).rejects.toThrow();
    });

    it("serves a filter for TCP connections, before an echo where there is no upstream", async () => {
      const said = new Said();
      const stop = new AbortController();
      const config = join(folder, "config.yaml");
      await writeFile(config, "serverNames: ['*.example.com']\n");
      const command = { source: `${root}examples/tcp-sniffing/build/plugin.wasm`, config, kind, port: 0 } as const;
      const ended = serveCommand({ ...command, logLevel: "info" }, said.output, stop.signal);
      const { address } = await said.wait("status", " at 127");
      const [host, port] = String(address).split(":");
      const talk = async (bytes: Uint8Array) => {
        const socket = connect(Number(port), host!).on("error", () => {});
        socket.end(bytes);
        const chunks: Buffer[] = [];
        socket.on("data", (chunk) => chunks.push(chunk));
        await new Promise((resolve) => socket.once("close", resolve));
        return Buffer.concat(chunks);
      };
      try {
        const hello = await clientHello("www.example.com");
        expect(await talk(hello)).toEqual(hello);
        expect(await said.wait("connection", "sent")).toMatchObject({ received: hello.length, sent: hello.length });
        await writeFile(config, "serverNames: ['*.example.org']\n");
        await said.wait("status", "reloaded in");
        expect(await talk(hello)).toHaveLength(0);
      } finally {
        stop.abort();
        await ended;
      }
    });

    it("tells of a filter that refuses its configuration, and takes up the next one", async () => {
      const said = new Said();
      const stop = new AbortController();
      const config = join(folder, "config.yaml");
      await writeFile(config, "default: stable\n");
      const command = { source: `${root}examples/route-by-header/build/plugin.wasm`, config, kind, port: 0 } as const;
      const ended = serveCommand({ ...command, logLevel: "info" }, said.output, stop.signal);
      try {
        await said.wait("status", " at http");
        await writeFile(config, "defualt: stable\n");
        await said.wait("problem", "default: is required");
        await writeFile(config, "default: canary\n");
        await said.wait("status", "reloaded in");
      } finally {
        stop.abort();
        await ended;
      }
    });
  });
});
