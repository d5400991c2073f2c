import type { Dice } from "../conformance/dice.ts";
import type { Configuration, Match, Operations, Request, Route, StickyKey, Tag, Text } from "./own-model.ts";

const names = ["x-a", "x-b", "x-c", "x-tag"];
const values = ["a", "ab", "b", "vip", "base"];
const claims = ["@request.auth.claims.sub", "@request.auth.claims.groups", "@request.auth.claims[realm][role]"];

export function randomConfiguration(dice: Dice): Configuration {
  const options = {
    ...(dice.chance(0.7) ? { stickyBy: dice.list(1, 3, () => randomKey(dice)) } : {}),
    ...(dice.chance(0.6) ? { trafficTags: dice.list(1, 2, () => randomTag(dice)) } : {}),
    ...(dice.chance(0.5) ? { unmatched: dice.of([403, 404, 502]) } : {}),
  };
  return {
    ...(dice.chance(0.4) ? { hosts: dice.list(1, 2, () => dice.of(["api.example", "*.internal", "shop"])) } : {}),
    http: dice.list(dice.chance(0.1) ? 0 : 1, 4, (index) => randomRoute(dice, `route-${index}`)),
    options,
  };
}

export function randomRequest(dice: Dice): Omit<Request, "address"> {
  const cookies = dice.list(1, 3, () => `${dice.of(["user", "group", "users"])}=${dice.of(values)}`);
  const headers = [...names, "x-route-subset"].flatMap((name): [string, string][] =>
    dice.list(0, dice.of([1, 1, 2]), () => [name, dice.of(values)]),
  );
  return {
    host: dice.of(["api.example", "API.example:80", "a.b.internal", "internal", "shop", "other"]),
    headers: [...headers, ...(dice.chance(0.5) ? [["cookie", cookies.join("; ")] as [string, string]] : [])],
    claims: dice.chance(0.3)
      ? null
      : {
          ...(dice.chance(0.7) ? { sub: dice.of<unknown>([...values, 7, ""]) } : {}),
          ...(dice.chance(0.7) ? { groups: dice.of<unknown>(["a", ["a", "vip"], ["b", 1], []]) } : {}),
          ...(dice.chance(0.7)
            ? { realm: dice.of<unknown>([{ role: dice.of(values) }, { role: ["ab"] }, "vip"]) }
            : {}),
        },
  };
}

function randomRoute(dice: Dice, name: string): Route {
  const headers = () =>
    dice.chance(0.5) ? { headers: { request: randomOperations(dice), response: randomOperations(dice) } } : {};
  const count = dice.of([1, 2, 3]);
  return {
    name,
    ...(dice.chance(0.8) ? { match: dice.list(1, 2, () => randomMatch(dice)) } : {}),
    ...headers(),
    route: dice.list(count, count, (index) => ({
      destination: { subset: `v${index}` },
      weight: dice.of([1, 10, 50]),
      ...headers(),
    })),
  };
}

function randomTag(dice: Dice): Tag {
  return {
    header: dice.of(["x-tag", "x-a"]),
    ...(dice.chance(0.3) ? { trustIncoming: true } : {}),
    ...(dice.chance(0.7)
      ? {
          rules: dice.list(1, 3, () => ({
            match: dice.list(1, 2, () => randomMatch(dice)),
            value: dice.of(values),
          })),
        }
      : {}),
    ...(dice.chance(0.5)
      ? { weights: dice.list(1, 3, (index) => ({ value: `w${index}`, weight: dice.of([1, 9]) })) }
      : {}),
    ...(dice.chance(0.6) ? { default: "base" } : {}),
  };
}

/** A key that is a header is not one that tags change: where chance decides, what follows would be open, too. */
function randomKey(dice: Dice): StickyKey {
  return dice.of<StickyKey>([
    { header: "x-b" },
    { cookie: "user" },
    { cookie: "given", ttl: dice.of(["0s", "1h"]) },
    { claim: dice.of(["sub", "realm.role"]) },
    { remoteAddress: true },
  ]);
}

function randomMatch(dice: Dice): Match {
  const texts = (all: readonly string[]) =>
    Object.fromEntries(dice.list(1, 2, () => [dice.of(all), randomText(dice)] as const));
  const match = {
    ...(dice.chance(0.5) ? { headers: texts([...names, ...claims]) } : {}),
    ...(dice.chance(0.2) ? { withoutHeaders: texts([...names, ...claims]) } : {}),
    ...(dice.chance(0.4) ? { cookies: texts(["user", "group"]) } : {}),
  };
  return Object.keys(match).length > 0 ? match : { cookies: texts(["user"]) };
}

function randomText(dice: Dice): Text {
  return dice.of<Text>([
    { exact: dice.of(values) },
    { exact: dice.of(values) },
    { prefix: dice.of(["a", "v"]) },
    { regex: dice.of([".*b", "a|vip", "[a-c]+"]) },
    {},
  ]);
}

function randomOperations(dice: Dice): Operations {
  const pairs = (others: readonly string[]) => ({ [dice.of(names)]: dice.of(others) });
  const target = ["x-to", "x-new"];
  return {
    ...(dice.chance(0.4) ? { rename: pairs(target) } : {}),
    ...(dice.chance(0.4) ? { copy: pairs(target) } : {}),
    ...(dice.chance(0.3) ? { remove: [dice.of([...names, ...target])] } : {}),
    ...(dice.chance(0.3) ? { set: pairs(values) } : {}),
    ...(dice.chance(0.4) ? { add: pairs(values) } : {}),
    ...(dice.chance(0.4) ? { dedupe: [dice.of([...names, ...target])] } : {}),
  };
}
