import { eachHost } from "@attache/harness/vitest";
import { beforeAll, expect, it } from "vitest";
import { compileFilter, filterSource } from "../../test/compile-filter.ts";

const source = filterSource(
  `override onRequestHeaders(headers: RequestHeaders, endOfStream: bool): FilterHeaders {
    const path = headers.get(":path")!;
    const queue = SharedQueue.find("audit");
    if (queue === null) log.info("no queue");
    else log.info("put " + queue.put(path).toString() + queue.putBytes(ByteView.from(binary())).toString());
    const mailbox = SharedQueue.open("mailbox", true);
    if (path == "/send") mailbox.put("");
    const letter = mailbox.take(), more = mailbox.takeBytes();
    log.info("mailbox " + (letter === null ? "none" : "'" + letter + "'") + " " + (more === null).toString());
    log.info("elsewhere " + (SharedQueue.find("mailbox", true, "other") === null).toString());
    return FilterHeaders.Continue;
  }`,
  `override configure(config: ConfigReader): void {
    if (config.bool("reads", false)) this.readQueue(new Audit(), "audit");
  }`,
)
  .replace("import {", "import { QueueReader, SharedQueue,")
  .replace(
    "registerPlugin(",
    `class Audit extends QueueReader {
      override onItem(item: ByteView): void {
        log.info("item " + item.length.toString() + " " + item.toString());
      }
    }
    function binary(): Uint8Array {
      const bytes = new Uint8Array(2);
      bytes[0] = 0xff;
      return bytes;
    }
    registerPlugin(`,
  );

eachHost("shared queues", (start) => {
  let module: Uint8Array;
  beforeAll(async () => {
    module = await compileFilter(source);
  });

  it("hand each item to the reader once, whatever bytes it has", async () => {
    await using host = await start({ plugins: [{ module, configuration: { reads: true } }] });
    await host.fetch("/first");
    await host.waitForLog("put truetrue");
    await host.waitForLog("item 6 /first");
    await host.waitForLog("item 2 \ufffd\0");
    await host.fetch("/second");
    await host.waitForLog("item 7 /second");
    expect(host.logs.filter(({ message }) => message.startsWith("item")).length).toBeLessThanOrEqual(4);
    expect(host.logs.filter(({ message }) => message === "item 6 /first")).toHaveLength(1);
  });

  it("are a plugin's own unless raw, unknown until opened, and empty items are items", async () => {
    await using host = await start({
      plugins: [
        { module, name: "reader", configuration: { reads: true } },
        { module, name: "other" },
      ],
    });
    await host.fetch("/send");
    await host.waitForLog("no queue");
    expect(host.logs.filter(({ message }) => message === "mailbox '' true")).toHaveLength(2);
    expect(host.logs.filter(({ message }) => message === "elsewhere true")).toHaveLength(2);
    await host.fetch("/");
    await host.waitForLog("mailbox none true");
  });
});
