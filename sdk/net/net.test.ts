import { BlockList, isIPv4, isIPv6, SocketAddress } from "node:net";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { random, TestModule } from "../json/test-module.ts";
import { fuzzInputs } from "../../test/fuzz-inputs.ts";

let module: TestModule;
beforeAll(async () => {
  module = await TestModule.compile(import.meta.url);
}, 60_000);

const address = (text: string) => module.text("canonical", text);

describe("IpAddress", () => {
  it.each([
    ["10.0.0.1", "10.0.0.1"],
    ["0.0.0.0", "0.0.0.0"],
    ["255.255.255.255", "255.255.255.255"],
    ["::", "::"],
    ["::1", "::1"],
    ["1::", "1::"],
    ["2001:DB8:0:0:0:0:0:1", "2001:db8::1"],
    ["2001:db8:0:1:0:0:0:1", "2001:db8:0:1::1"],
    ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["2001:0db8:1:1:1:1:0:1", "2001:db8:1:1:1:1:0:1"],
    ["1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"],
    ["1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"],
    ["::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"],
    ["::ffff:10.0.0.1", "10.0.0.1"],
    ["::FFFF:a00:1", "10.0.0.1"],
    ["0:0:0:0:0:ffff:10.0.0.1", "10.0.0.1"],
    ["::10.0.0.1", "::a00:1"],
    ["64:ff9b::1.2.3.4", "64:ff9b::102:304"],
    ["ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
  ])("writes %s as %s", (text, canonical) => {
    expect(address(text)).toBe(canonical);
    expect(address(canonical)).toBe(canonical);
  });

  it.each([
    ...[
      "",
      "1",
      "1.2.3",
      "1.2.3.4.5",
      "1.2.3.4.",
      ".1.2.3.4",
      "1..2.3",
      "01.2.3.4",
      "1.2.3.00",
      "256.1.1.1",
      "1.2.3.1000",
    ],
    ...["0x1.2.3.4", "1.2.3.4 ", " 1.2.3.4", "+1.2.3.4", "1.2.3.4:80", "1.2.3.4/8", "localhost"],
    ...[
      ":",
      ":::",
      "1:2:3:4:5:6:7",
      "1:2:3:4:5:6:7:8:9",
      "1::2::3",
      "1:2:3:4:5:6:7:8::",
      "::1:2:3:4:5:6:7:8",
      ":1::",
      "1:",
    ],
    ...[
      "12345::",
      "::g",
      "[::1]",
      "fe80::1%eth0",
      "::1.2.3",
      "::1.2.3.4:1",
      "1:2:3:4:5:6:7:1.2.3.4",
      "::01.2.3.4",
      "1.2.3.4::",
    ],
  ])("refuses %j", (text) => {
    expect(address(text)).toBe(null);
  });

  it("accepts what Node accepts, but zones, with the same value", () => {
    const next = random(5);
    const parts = ["0", "1", "ffff", "10", "255", "256", ":", ":", "::", ".", "a", "::ffff:", "1.2.3.4"];
    let accepted = 0;
    for (let round = 0; round < 100_000; round++) {
      const text = Array.from({ length: 1 + next(9) }, () => parts[next(parts.length)]).join("");
      const expected = isIPv4(text) || isIPv6(text);
      const canonical = address(text);
      if ((canonical !== null) !== expected) throw new Error(`${text}: ${canonical}`);
      if (canonical === null) continue;
      accepted += 1;
      const family = isIPv4(canonical) ? "ipv4" : "ipv6";
      const node = new SocketAddress({ address: text, family: isIPv4(text) ? "ipv4" : "ipv6" }).address;
      expect(new SocketAddress({ address: canonical, family }).address, text).toBe(
        node.replace(/^::ffff:(?=.*\.)/, ""),
      );
    }
    expect(accepted).toBeGreaterThan(1_000);
  });

  it.each([
    ["10.0.0.1:8080", "10.0.0.1"],
    ["10.0.0.1", "10.0.0.1"],
    ["[::1]:8080", "::1"],
    ["[::1]", "::1"],
    ["::1", "::1"],
    ["[::ffff:10.0.0.1]:1", "10.0.0.1"],
    ["[fe80::1%2]:8080", "fe80::1"],
    ["[fe80::1%eth0]", "fe80::1"],
    ["[fe80%::1]", null],
    ["fe80::1%2", null],
    ["10.0.0.1:65535", "10.0.0.1"],
    ["10.0.0.1:65536", null],
    ["10.0.0.1:", null],
    ["10.0.0.1:8x", null],
    ["10.0.0.1:000001", null],
    ["[::1", null],
    ["[::1]8080", null],
    ["[::1]:", null],
    ["[1.2.3.4]:80", null],
    ["[]:80", null],
    ["::1]:80", null],
    ["/var/run/socket", null],
    ["", null],
  ])("reads the peer %s as %s", (text, expected) => {
    expect(module.text("peer", text)).toBe(expected);
  });
});

describe("CidrSet", () => {
  beforeEach(() => (module.exports["clear"] as () => void)());
  const contains = (text: string) => module.call("contains", text) === 1;

  it.each([
    ["10.0.0.0/8", ["10.0.0.0", "10.255.255.255", "::ffff:10.1.1.1"], ["9.255.255.255", "11.0.0.0", "::a00:1"]],
    ["10.1.2.3/8", ["10.0.0.0", "10.255.255.255"], ["11.0.0.0"]],
    ["10.0.0.1", ["10.0.0.1"], ["10.0.0.0", "10.0.0.2", "::10.0.0.1"]],
    ["10.0.0.1/32", ["10.0.0.1"], ["10.0.0.0", "10.0.0.2"]],
    ["10.0.0.0/31", ["10.0.0.0", "10.0.0.1"], ["10.0.0.2"]],
    ["0.0.0.0/0", ["0.0.0.0", "255.255.255.255", "::ffff:1.2.3.4"], ["::", "::1", "ffff::"]],
    ["::/0", ["::", "::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"], ["1.2.3.4", "::ffff:1.2.3.4"]],
    ["2001:db8::/32", ["2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"], ["2001:db7:ffff::", "2001:db9::"]],
    ["2001:db8::/64", ["2001:db8::ffff:ffff:ffff:ffff"], ["2001:db8:0:1::"]],
    ["2001:db8::/65", ["2001:db8::7fff:0:0:0"], ["2001:db8::8000:0:0:0"]],
    ["2001:db8::1", ["2001:db8::1"], ["2001:db8::", "2001:db8::2"]],
    ["::ffff:10.0.0.0/104", ["10.0.0.0", "10.255.255.255"], ["11.0.0.0"]],
    ["::ffff:0:0/96", ["0.0.0.0", "255.255.255.255"], ["::1"]],
  ])("%s", (block, inside, outside) => {
    expect(module.call("add", block)).toBe(1);
    for (const text of inside) expect(contains(text), text).toBe(true);
    for (const text of outside) expect(contains(text), text).toBe(false);
  });

  it.each([
    ...[
      "",
      "/8",
      "10.0.0.0/",
      "10.0.0.0/33",
      "10.0.0.0/08",
      "10.0.0.0/-1",
      "10.0.0.0/+8",
      "10.0.0.0/8 ",
      "10.0.0.0/8/8",
    ],
    ...["10.0.0/8", "::/129", "::/1000", "::1%eth0/64", "[::]/8", "10.0.0.0/4294967304", "*"],
  ])("refuses %j and adds nothing", (text) => {
    expect(module.call("add", text)).toBe(0);
    expect(contains("10.0.0.0")).toBe(false);
    expect(contains("::")).toBe(false);
  });

  it("agrees with Node's BlockList for many blocks, also when some are added later", () => {
    const next = random(6);
    const list = new BlockList();
    const ipv4 = () => `${10 + next(3)}.${next(4)}.${next(256)}.${next(256)}`;
    const ipv6 = () =>
      `2001:db8:${next(4)}:${next(3).toString(16)}::${next(65536).toString(16)}:${next(65536).toString(16)}`;
    for (let batch = 0; batch < 5; batch++) {
      for (let count = 0; count < 500; count++) {
        const isIpv4Block = next(2) === 0;
        const start = isIpv4Block ? ipv4() : ipv6();
        const prefix = isIpv4Block ? 18 + next(15) : 60 + next(69);
        list.addSubnet(start, prefix, isIpv4Block ? "ipv4" : "ipv6");
        expect(module.call("add", `${start}/${prefix}`)).toBe(1);
      }
      let inside = 0;
      for (let count = 0; count < 5_000; count++) {
        const isIpv4Address = next(2) === 0;
        const text = isIpv4Address ? ipv4() : ipv6();
        const expected = list.check(text, isIpv4Address ? "ipv4" : "ipv6");
        inside += Number(expected);
        if (contains(text) !== expected) throw new Error(`${text}: ${expected}`);
      }
      expect(inside).toBeGreaterThan(100);
    }
  });
});

it("never needs more memory, and never traps, for any bytes", () => {
  const next = random(7);
  const characters = "0123456789abcdef:::...[]/%x\0\xff";
  let pages = 0;
  for (let round = 0; round < fuzzInputs(100_000); round++) {
    const text = Array.from({ length: next(50) }, () => characters[next(characters.length)]).join("");
    for (const name of ["contains", "peer"]) module.call(name, Buffer.from(text, "latin1"));
    if (round === 1_000) pages = (module.exports["pages"] as () => number)();
  }
  expect((module.exports["pages"] as () => number)()).toBe(pages);
});
