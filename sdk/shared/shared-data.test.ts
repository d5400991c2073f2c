import { eachHost } from "@attache/harness/vitest";
import { beforeAll, expect, it } from "vitest";
import { compileFilter, filterSource } from "../../test/compile-filter.ts";

eachHost("shared data", (start) => {
  let module: Uint8Array;
  beforeAll(async () => {
    module = await compileFilter(
      filterSource(
        `override onRequestHeaders(headers: RequestHeaders, endOfStream: bool): FilterHeaders {
          const value = this.plugin.value, visits = this.plugin.visits;
          const absent = value.get() === null;
          const unread = new SharedValue("text").replaceIfUnchanged("unread");
          const first = value.setIfAbsent("é"), second = value.setIfAbsent("b");
          const same = value.get()! == "é" ? value.replaceIfUnchanged("c") : SharedResult.Refused;
          const stale = value.replaceIfUnchanged("d");
          log.info("text " + absent.toString() + " " + unread.toString() + " " + first.toString() + " " +
            second.toString() + " " + same.toString() + " " + stale.toString() + " " + value.get()!);
          value.set("");
          log.info("empty " + (value.getBytes()!.length == 0).toString());
          const added = visits.add(3), taken = visits.add(-1);
          log.info("visits " + added.toString() + taken.toString() + " " + visits.sum.toString() + " " +
            visits.get(9).toString());
          everyone.add(1);
          log.info("everyone " + everyone.sum.toString());
          const text = new SharedNumber("text");
          log.info("no number " + text.add(1).toString() + " " + text.sum.toString() + " " + text.get(7).toString());
          return FilterHeaders.Continue;
        }`,
        `value: SharedValue = new SharedValue("text");
        visits: SharedNumber = new SharedNumber("visits");`,
      )
        .replace("import {", "import { SharedNumber, SharedResult, SharedValue,")
        .replace(
          "registerPlugin(",
          `const everyone = new SharedNumber("everyone", true);
          registerPlugin(`,
        ),
    );
  });

  it("is read, written, written once, and replaced only if nobody else wrote", async () => {
    await using host = await start({ plugins: [{ module }] });
    await host.fetch("/");
    await host.waitForLog("text true 2 0 1 0 1 c");
    await host.waitForLog("empty true");
  });

  it("adds to numbers, and leaves alone what is none", async () => {
    await using host = await start({ plugins: [{ module }] });
    await host.fetch("/");
    await host.waitForLog("visits 00 2 2");
    await host.waitForLog("no number 2 0 7");
    await host.fetch("/");
    await host.waitForLog("visits 00 4 4");
  });

  it("is a plugin's own unless its key is raw", async () => {
    await using host = await start({
      plugins: [
        { module, name: "one", rootId: "a" },
        { module, name: "two", rootId: "a" },
        { module, name: "two", rootId: "b" },
      ],
    });
    await host.fetch("/");
    await host.waitForLog("everyone 3");
    expect(host.logs.filter(({ message }) => message.includes("visits 00 2 2"))).toHaveLength(3);
  });

  it("is refused at the top level of a module, where it would be every plugin's", async () => {
    const source = filterSource("").replace("import {", "import { SharedNumber,");
    const misplaced = await compileFilter(source + 'const visits = new SharedNumber("visits"); visits.get();');
    await expect(start({ plugins: [{ module: misplaced }] })).rejects.toThrow("make it a field of the plugin");
  });

  it("is updated by a function, again when another worker came first", async () => {
    const updating = await compileFilter(
      filterSource(
        `override onRequestHeaders(headers: RequestHeaders, endOfStream: bool): FilterHeaders {
          const value = this.plugin.value;
          const first = value.update<string>(joined, "one"), second = value.update<string>(joined, "two");
          log.info("joined " + first.toString() + second.toString() + " " + value.get()!);
          const kept = value.update<bool>((current: string | null, argument: bool): string | null => null, true);
          log.info("kept " + kept.toString() + " " + value.get()!);
          const overtaken = value.update<SharedValue>(late, new SharedValue("text"));
          log.info("overtaken " + overtaken.toString() + " " + value.get()! + " " + attempts.toString());
          attempts = -1000;
          const contended = value.update<SharedValue>(late, new SharedValue("text"));
          log.info("contended " + contended.toString() + " " + value.get()! + " " + attempts.toString());
          return FilterHeaders.Continue;
        }`,
        `value: SharedValue = new SharedValue("text");`,
      )
        .replace("import {", "import { SharedValue,")
        .replace(
          "registerPlugin(",
          `function joined(current: string | null, part: string): string | null {
            return current === null ? part : current + "," + part;
          }
          let attempts = 0;
          /** Another writer comes first, twice. */
          function late(current: string | null, other: SharedValue): string | null {
            if (attempts++ < 2) other.set("other " + attempts.toString());
            return current! + "!";
          }
          registerPlugin(`,
        ),
    );
    await using host = await start({ plugins: [{ module: updating }] });
    await host.fetch("/");
    await host.waitForLog("joined 00 one,two");
    await host.waitForLog("kept 0 one,two");
    await host.waitForLog("overtaken 0 other 2! 3");
    await host.waitForLog("contended 1 other -900 -900");
  });

  it("can be JSON, which several workers change", async () => {
    const json = await compileFilter(
      filterSource(
        `override onRequestHeaders(headers: RequestHeaders, endOfStream: bool): FilterHeaders {
          const state = this.plugin.state;
          const absent = state.get().isAbsent;
          const first = state.update<i64>(added, 3), second = state.update<i64>(added, 4);
          log.info("total " + absent.toString() + first.toString() + second.toString() + " " +
            state.get().member("total").i64.toString());
          const kept = state.update<bool>((current: JsonNode, json: JsonWriter, argument: bool): bool => argument, false);
          log.info("kept " + kept.toString() + " " + state.get().member("total").text);
          log.info("set " + state.set(JsonWriter.begin().string("é")).toString() + " " + state.get().text);
          new SharedValue("state").set("no JSON");
          log.info("no JSON " + state.get().isAbsent.toString() + " " + new SharedValue("state").get()!);
          const overtaken = state.update<SharedValue>(late, new SharedValue("state"));
          log.info("overtaken " + overtaken.toString() + " " + state.get().i64.toString() + " " + attempts.toString());
          attempts = -1000;
          const contended = state.update<SharedValue>(late, new SharedValue("state"));
          log.info("contended " + contended.toString() + " " + state.get().i64.toString());
          return FilterHeaders.Continue;
        }`,
        `state: SharedJson = new SharedJson("state");`,
      )
        .replace("import {", "import { JsonNode, JsonWriter, SharedJson, SharedValue,")
        .replace(
          "registerPlugin(",
          `function added(current: JsonNode, json: JsonWriter, count: i64): bool {
            json.beginObject().name("total").integer(current.member("total").i64 + count).endObject();
            return true;
          }
          let attempts = 0;
          /** Another writer comes first, twice. */
          function late(current: JsonNode, json: JsonWriter, other: SharedValue): bool {
            json.integer(current.i64 + 1);
            if (attempts++ < 2) other.set((100 * attempts).toString());
            return true;
          }
          registerPlugin(`,
        ),
    );
    await using host = await start({ plugins: [{ module: json }] });
    await host.fetch("/");
    await host.waitForLog("total true00 7");
    await host.waitForLog("kept 0 7");
    await host.waitForLog("set 0 é");
    await host.waitForLog("no JSON true no JSON");
    await host.waitForLog("overtaken 0 201 3");
    await host.waitForLog("contended 1 -90000");
  });

  it("is kept in numbered slots, each replaced only if nobody else wrote", async () => {
    const slots = await compileFilter(
      filterSource(
        `override onRequestHeaders(headers: RequestHeaders, endOfStream: bool): FilterHeaders {
          const slots = this.plugin.slots;
          const unread = slots.replace(1, 0, 0, 0);
          const absent = slots.read(1) === null, version = slots.version;
          const text = ByteView.ofText("é");
          const first = slots.replace(1, text.start, text.length, version);
          const second = slots.replace(1, text.start, text.length, version);
          const own = slots.read(1)!.equals("é"), other = slots.read(257) === null;
          slots.read(1);
          const third = slots.replace(1, text.start, 0, slots.version);
          log.info("slots " + unread.toString() + absent.toString() + first.toString() + second.toString() +
            own.toString() + other.toString() + third.toString() + slots.read(1)!.length.toString());
          return FilterHeaders.Continue;
        }`,
        `slots: SharedSlots = new SharedSlots("table");`,
      ).replace("import {", "import { SharedSlots,"),
    );
    await using host = await start({ plugins: [{ module: slots }] });
    await host.fetch("/");
    await host.waitForLog("slots 2true01truetrue00");
  });
});
