import { Agent, request } from "node:http";

interface Answer {
  status: number;
  version: string;
}

/** Requests to show, and what each must lead to; `null` when either version is right. */
const sights: { what: string; path: string; headers: Record<string, string>; expected: string | null }[] = [
  { what: "anyone", path: "/", headers: {}, expected: null },
  { what: "the vip user", path: "/cart", headers: { "end-user": "vip" }, expected: "v2" },
  { what: "a user called ann", path: "/", headers: { "x-user": "ann" }, expected: null },
  { what: "the same user again", path: "/other", headers: { "x-user": "ann" }, expected: "same" },
  { what: "ann, claiming v2", path: "/", headers: { "x-user": "ann", "x-route-subset": "v2" }, expected: "same" },
];

/**
 * Sends a few requests through the proxy at `address` and says what became of each, then checks the 90/10 split on a
 * thousand random and a thousand sticky requests.
 *
 * @returns what was wrong, one line each; none when every answer was right
 */
export async function takeTour(address: string, print: (line: string) => void): Promise<string[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  const ask = (path: string, headers: Record<string, string>) => send(agent, new URL(path, address), headers);
  const wrong: string[] = [];
  try {
    let previous = "";
    for (const { what, path, headers, expected } of sights) {
      const { status, version } = await ask(path, headers);
      const right = status === 200 && version === (expected === "same" ? previous : (expected ?? version));
      if (!right) wrong.push(`${what}: expected ${expected ?? "v1 or v2"}, got ${status} from ${version || "nobody"}`);
      print(`  ${what.padEnd(22)} ${curl(path, headers)}\n  ${"".padEnd(22)} → ${status} from ${version}`);
      previous = version;
    }
    const random = await versions(ask, 1000, () => ({}));
    const sticky = await versions(ask, 1000, (user) => ({ "x-user": `user-${user}` }));
    const again = await versions(ask, 1000, (user) => ({ "x-user": `user-${user}` }));
    const vip = await versions(ask, 100, () => ({ "end-user": "vip" }));
    const moved = sticky.filter((version, user) => version !== again[user]).length;
    print(`  1,000 random requests  → ${share(random, "v1")} from v1, ${share(random, "v2")} from v2`);
    print(
      `  1,000 users            → ${share(sticky, "v1")} from v1, ${share(sticky, "v2")} from v2; asked again, ${moved} moved`,
    );
    print(`  100 vip requests       → ${share(vip, "v2")} from v2`);
    checkSplit("random", random, wrong);
    checkSplit("sticky", sticky, wrong);
    if (moved > 0) wrong.push(`${moved} of 1,000 users did not stay with their version`);
    if (share(vip, "v2") !== 100) wrong.push(`${100 - share(vip, "v2")} of 100 vip requests did not go to v2`);
  } finally {
    agent.destroy();
  }
  return wrong;
}

/** One in ten goes to v2; five standard deviations of 1,000 such draws are 47. */
function checkSplit(name: string, answers: string[], wrong: string[]): void {
  const v2 = share(answers, "v2");
  if (share(answers, "v1") + v2 !== 1000)
    wrong.push(`${1000 - share(answers, "v1") - v2} ${name} requests had no answer`);
  if (Math.abs(v2 - 100) > 47) wrong.push(`${v2} of 1,000 ${name} requests went to v2: expected 53 to 147`);
}

async function versions(
  ask: (path: string, headers: Record<string, string>) => Promise<Answer>,
  count: number,
  headers: (index: number) => Record<string, string>,
): Promise<string[]> {
  const answers = await Promise.all(Array.from({ length: count }, (_, index) => ask("/", headers(index))));
  return answers.map(({ status, version }) => (status === 200 ? version : String(status)));
}

function share(answers: string[], version: string): number {
  return answers.filter((answer) => answer === version).length;
}

function send(agent: Agent, url: URL, headers: Record<string, string>): Promise<Answer> {
  return new Promise((resolve, reject) => {
    request(url, { agent, headers }, (response) => {
      response.resume();
      response.on("end", () =>
        resolve({ status: response.statusCode!, version: String(response.headers["x-version"] ?? "") }),
      );
      response.on("error", reject);
    })
      .on("error", reject)
      .end();
  });
}

function curl(path: string, headers: Record<string, string>): string {
  return ["GET", path, ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`)].join("  ");
}
