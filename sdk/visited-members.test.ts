import { startEmulator } from "@attache/harness";
import { expect, it } from "vitest";
import { compileFilter, filterSource } from "../test/compile-filter.ts";

/** Objects that hold texts in every way there is; all were made while the filter ran. */
const holders = `
function made(text: string): string { return "made " + text; }
class Base { first: string = made("first"); }
class Link extends Base {
  number: i64 = 1;
  second: string = made("second");
  next: Link | null = null;
}
class Large extends Base {
  ${Array.from({ length: 40 }, (_, index) => `n${index}: i64 = ${index};`).join("\n  ")}
  last: string = made("last");
}
class Texts extends Array<string> {}
class Holder {
  link: Link = new Link();
  large: Large = new Large();
  list: string[] = [made("list"), made("list, too")];
  lists: string[][] = [[made("lists")], [made("lists, too"), made("lists, again")]];
  fixed: StaticArray<string> = StaticArray.fromArray([made("fixed"), made("fixed, too")]);
  texts: Texts = new Texts();
  bytes: Uint8Array = Uint8Array.wrap(String.UTF8.encode(made("bytes")));
  map: Map<string, Base> = new Map<string, Base>();
  set: Set<string> = new Set<string>();
  constructor() {
    let link = this.link;
    for (let index = 0; index < 50; index++) link = link.next = new Link();
    this.map.set(made("key"), new Base());
    this.set.add(made("element"));
    this.texts.push(made("text"));
  }
  toString(): string {
    let text = this.large.first + this.large.last + this.list.join() + this.lists.map<string>((l) => l.join()).join();
    for (let link: Link | null = this.link; link !== null; link = link.next) text += link.first + link.second;
    text += this.fixed.join() + this.texts[0] + String.UTF8.decode(this.bytes.buffer) + this.set.values()[0];
    return text + this.map.keys()[0] + this.map.get(this.map.keys()[0]).first;
  }
}`;

const source = filterSource(
  `override onRequestHeaders(headers: RequestHeaders, endOfStream: bool): FilterHeaders {
    for (let index = 0; index < 500; index++) this.plugin.garbage = "other " + index.toString().repeat(1 + index % 9);
    return new LocalReply(200).text(this.plugin.holder.toString()).send();
  }`,
  `holder: Holder = new Holder();
  garbage: string = "";`,
);

it("the collector leaves everything that a filter holds", async () => {
  await using host = await startEmulator({ plugins: [{ module: await compileFilter(source + holders) }] });
  const text = (await host.fetch("/")).text();
  expect(text.split("made ")).toHaveLength(117);
  for (let request = 0; request < 300; request++) expect((await host.fetch("/")).text()).toBe(text);
});
