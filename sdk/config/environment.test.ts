import { eachHost } from "@attache/harness/vitest";
import { beforeAll, expect, it } from "vitest";
import { Dice } from "../../test/conformance/dice.ts";
import { compileFilter, filterSource } from "../../test/compile-filter.ts";

/** Logs what it reads, rejects what `refused` says, and warns of `odd`. */
const source = filterSource(
  "",
  `override configure(config: ConfigReader): void {
    config.expandEnvironment();
    let line = "read " + config.string("text", "none") + "|" + config.integer("port", 0, 0, 65535).toString() + "|" +
      config.duration("wait", 0).toString() + "|" + config.bool("flag", false).toString();
    const list = config.array("list");
    for (let i = 0; i < list.length; i++) line += "|" + list.at(i).object("in").string("deep", "");
    const map = config.object("map");
    for (let i = 0; i < map.length; i++) line += "|" + map.at(i).key + "=" + map.at(i).asString();
    if (config.has("refused")) config.error("not this: (" + config.string("refused", "") + ")!");
    if (config.has("odd")) config.get("odd").warn("odd: " + config.string("odd", ""));
    log.info(line);
  }`,
);

const environment = {
  NAME: "ada",
  PORT: "8080",
  WAIT: "1.5s",
  EMPTY: "",
  NESTED: '${NAME}", "x": "',
  WITH_EQUALS: "a=b=ö",
  SECRET: "s3cr3t-0123456789",
  LONG: "k".repeat(20) + "é".repeat(50),
  LINES: "first line\nsecond line",
  EARLY_BREAK: "ab\ncdef-s3cr3t",
  LATE_BREAK: "kkkk\n",
  "with-hyphen.and.dots": "ok",
};

/** What becomes of a text, in other words; `null` when it is refused. */
function model(text: string, variables: Record<string, string>): string | null {
  let isRefused = false;
  const expanded = text.replace(/\$\$\{|\$\{([^}]+)\}|\$\{/g, (found, reference?: string) => {
    if (found === "$${") return "${";
    const [, name, otherwise] = /^([^]*?)(?::-([^]*))?$/.exec(reference ?? "")!;
    const value = reference === undefined ? undefined : variables[name!] || (otherwise ?? variables[name!]);
    if (value === undefined) isRefused = true;
    return value ?? "";
  });
  return isRefused ? null : expanded;
}

eachHost("environment variables in a configuration", (start) => {
  let module: Uint8Array;
  beforeAll(async () => {
    module = await compileFilter(source);
  });

  it.each<[string, unknown, string]>([
    ["a whole text", { text: "${NAME}" }, "ada|0|0|false"],
    ["parts of a text", { text: "<${NAME}${NAME} ${PORT}>" }, "<adaada 8080>|0|0|false"],
    ["numbers and durations", { port: "${PORT}", wait: "${WAIT}" }, "none|8080|1500000000|false"],
    ["values in arrays and objects", { list: [{ in: { deep: "1${NAME}" } }, { in: {} }] }, "none|0|0|false|1ada|"],
    ["values of maps, but no names", { map: { "${NAME}": "${NAME}" } }, "none|0|0|false|${NAME}=ada"],
    ["what is no reference", { text: "$ {} $NAME $1 $" }, "$ {} $NAME $1 $|0|0|false"],
    ["an escaped reference", { text: "$${NAME} $$${NAME}$" }, "${NAME} $${NAME}$|0|0|false"],
    ["a value that looks like JSON and a reference", { text: "${NESTED}" }, '${NAME}", "x": "|0|0|false'],
    ["a value with an equals sign", { text: "${WITH_EQUALS}" }, "a=b=ö|0|0|false"],
    ["a name with other characters", { text: "${with-hyphen.and.dots}" }, "ok|0|0|false"],
    ["an empty value", { text: "${EMPTY}" }, "|0|0|false"],
    ["a default for what is not set", { text: "${NONE:-a:-b} ${NONE:-}" }, "a:-b |0|0|false"],
    ["a default for what is empty", { text: "${EMPTY:-else}" }, "else|0|0|false"],
    ["no default for what is set", { text: "${NAME:-else}" }, "ada|0|0|false"],
    ["a configuration without any", { text: "plain" }, "plain|0|0|false"],
  ])("are put in: %s", async (_, configuration, expected) => {
    await using host = await start({ plugins: [{ module, configuration, environment }] });
    await host.waitForLog(`read ${expected}`);
  });

  it.each<[string, unknown, string]>([
    ["is not set", { text: "${NONEXISTENT}" }, "text: the environment variable NONEXISTENT is not set"],
    ["is misspelt", { text: "${SECRT}" }, 'text: the environment variable SECRT is not set, did you mean "SECRET"?'],
    ["has no name", { text: "${}" }, 'text: "${" is no reference: write "${NAME}", or "$${" for the characters'],
    ["is not closed", { text: "a${NAME" }, 'text: "${" is no reference: write "${NAME}", or "$${" for the characters'],
    [
      "stands deep",
      { list: [{ in: { deep: "${A_B_C}" } }] },
      "list[0].in.deep: the environment variable A_B_C is not set",
    ],
    ["is no boolean", { flag: "${NAME}" }, 'flag: expected true or false, found the string "ada"'],
    [
      "has a wrong value",
      { port: "${SECRET}" },
      'port: expected an integer from 0 to 65535, found the string "${SECRET}"',
    ],
    [
      "is cut off in the message",
      { port: "<${LONG}>" },
      'port: expected an integer from 0 to 65535, found the string "<${LONG}…"',
    ],
    ["has lines", { port: "${LINES}" }, 'port: expected an integer from 0 to 65535, found the string "${LINES}"'],
    [
      "breaks early",
      { port: "${EARLY_BREAK}" },
      'port: expected an integer from 0 to 65535, found the string "${EARLY_BREAK}"',
    ],
    [
      "breaks late",
      { port: "${LATE_BREAK}" },
      'port: expected an integer from 0 to 65535, found the string "${LATE_BREAK}"',
    ],
    ["is in a message of the filter's own", { refused: "a ${SECRET} b" }, "not this: (a ${SECRET} b)!"],
  ])("are refused where one %s", async (_, configuration, problem) => {
    const started = start({ plugins: [{ module, configuration, environment }] });
    await expect(started).rejects.toThrow(`config rejected: ${problem}`);
    await expect(started).rejects.not.toThrow(/s3cr3t|kkkk|second line/);
  });

  it("become what a plain model says, whatever the text", async () => {
    const dice = new Dice(Math.floor(Math.random() * 2 ** 32));
    const pieces = ["$", "{", "}", "${", "$${", "NAME", "PORT", "NONE", ":-", "-", ":", "é", "${NAME}", "${NONE:-"];
    const texts = Array.from({ length: 2000 }, () => dice.list(0, 9, () => dice.of(pieces)).join(""));
    const taken = texts.filter((text) => model(text, environment) !== null);
    const list = (some: string[]) => ({ list: some.map((deep) => ({ in: { deep } })) });
    await using host = await start({ plugins: [{ module, configuration: list(taken), environment }] });
    const values = taken.map((text) => model(text, environment));
    expect(host.logs.map(({ message }) => message)).toContain(["read none|0|0|false", ...values].join("|"));
    for (const text of texts.filter((candidate) => !taken.includes(candidate)).slice(0, 5)) {
      await expect(start({ plugins: [{ module, configuration: list([text]), environment }] })).rejects.toThrow(
        "config rejected: list[0].in.deep: ",
      );
    }
  });

  it("are told all at once, and once each", async () => {
    const configuration = { text: "${N1}", port: "${N2}", wait: "x", list: [{ in: { deep: "${N3}" } }] };
    const error = await start({ plugins: [{ module, configuration }] }).then(
      () => "",
      (reason: Error) => reason.message,
    );
    expect([...error.matchAll(/config rejected: (\w[^\n]*)/g)].map(([, problem]) => problem)).toEqual([
      "text: the environment variable N1 is not set",
      "port: the environment variable N2 is not set",
      "list[0].in.deep: the environment variable N3 is not set",
      expect.stringMatching(/^wait: expected a duration .* found the string "x"$/),
    ]);
  });

  it("are hidden in warnings", async () => {
    await using host = await start({ plugins: [{ module, configuration: { odd: "${SECRET}" }, environment }] });
    await host.waitForLog("odd: odd: ${SECRET}");
  });

  it("are not set where the proxy restricts their functions", async () => {
    const plugin = { module, configuration: { text: "${NAME:-restricted}" }, environment };
    const allowedCapabilities = [
      "proxy_log",
      "proxy_get_buffer_bytes",
      "proxy_on_context_create",
      "proxy_on_configure",
    ];
    await using host = await start({ plugins: [{ ...plugin, allowedCapabilities }] });
    await host.waitForLog("read restricted|0|0|false");
  });

  it("change without the configuration", async () => {
    const plugin = (NAME: string) => ({
      plugins: [{ module, configuration: { text: "${NAME}" }, environment: { NAME } }],
    });
    await using host = await start(plugin("one"));
    await host.waitForLog("read one|0|0|false");
    await host.update(plugin("two"));
    await host.waitForLog("read two|0|0|false");
  });

  it("are each plugin's own, although the module is the same", async () => {
    const plugin = (name: string) => ({
      module,
      name,
      configuration: { text: name + " ${NAME}" },
      environment: { NAME: name },
    });
    await using host = await start({ plugins: [plugin("one"), plugin("two")] });
    await host.waitForLog("read one one|0|0|false");
    await host.waitForLog("read two two|0|0|false");
  });
});
