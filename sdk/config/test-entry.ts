import { ConfigReader } from "./index";

let buffer = new StaticArray<u8>(1024);

export function input(size: i32): usize {
  if (buffer.length < size) buffer = new StaticArray<u8>(size * 2);
  return changetype<usize>(buffer);
}

const MODES: StaticArray<string> = ["ALLOW", "DENY", "AUDIT"];

/** Reads what a filter might, and returns the values it got, then the problems, one a line. */
export function read(start: usize, length: i32, strict: bool): string {
  __collect();
  const config = ConfigReader.parse(start, length);
  let values = config.string("greeting", "hello");
  values += "," + config.bytes("raw", "é").length.toString();
  values += "," + config.integer("port", 80, 1, 65535).toString();
  values += "," + config.number("ratio", 0.5, 0, 1).toString();
  values += "," + config.bool("failOpen", true).toString();
  values += "," + config.duration("timeout", 5, 0, 3_600_000_000_000).toString();
  values += "," + config.oneOf("mode", MODES, 2).toString();
  const headers = config.object("headers");
  for (let i = 0; i < headers.length; i++) {
    const header = headers.at(i);
    values += "," + header.key + "=" + header.asString();
  }
  const routes = config.array("http");
  for (let i = 0; i < routes.length; i++) {
    const route = routes.at(i);
    if (route.has("issuer")) values += "," + route.required("issuer").asString();
    if (route.has("big")) values += "," + route.required("big").asInteger().toString();
    const matches = route.array("match");
    for (let j = 0; j < matches.length; j++) {
      const uri = matches.at(j).required("uri");
      if (uri.string("regex", "") == "(") uri.get("regex").error("column 1: the group is not closed");
      if (uri.has("prefix")) values += "," + uri.string("prefix", "");
    }
    const weight = route.integer("weight", 100, 0, 100);
    if (weight == 0) route.get("weight").warn("never chosen");
    route.ignore("metadata");
  }
  const problems = config.finish(strict);
  for (let i = 0; i < problems.length; i++) values += "\n" + problems[i];
  const warnings = config.warnings;
  for (let i = 0; i < warnings.length; i++) values += "\nwarning: " + warnings[i];
  return values;
}

/** Reads required values of each type from an object that has none, or wrong ones. */
export function required(start: usize, length: i32): string {
  const config = ConfigReader.parse(start, length);
  let values = config.required("string").asString();
  values += "," + config.required("bytes").asBytes().length.toString();
  values += "," + config.required("integer").asInteger(1, 10).toString();
  values += "," + config.required("number").asNumber(-2, -1).toString();
  values += "," + config.required("bool").asBool().toString();
  values += "," + config.required("duration").asDuration(1_000_000_000).toString();
  values += "," + config.required("oneOf").asOneOf(MODES).toString();
  values += "," + config.required("object").asObject().required("deeper").asString();
  values += "," + config.required("array").asArray().at(3).asString();
  const problems = config.finish();
  for (let i = 0; i < problems.length; i++) values += "\n" + problems[i];
  return values;
}

/** A duration in nanoseconds, or the problem. */
export function duration(start: usize, length: i32): string {
  const config = ConfigReader.parse(start, length);
  const value = config.at(0).asDuration(i64.MIN_VALUE);
  const problems = config.finish();
  return problems.length ? problems[0] : value.toString();
}

/** A number of any size, as integer and as double. */
export function numbers(start: usize, length: i32): string {
  const config = ConfigReader.parse(start, length);
  const integer = config.at(0).asInteger();
  const double = config.at(0).asNumber();
  const problems = config.finish();
  return integer.toString() + "," + double.toString() + (problems.length ? ", " + problems[0] : "");
}

/** Walks any document and asks for much that is not there. */
export function walk(start: usize, length: i32): i32 {
  __collect();
  const config = ConfigReader.parse(start, length);
  visit(config, 0);
  return config.finish().length;
}

function visit(reader: ConfigReader, depth: i32): void {
  reader.string("a", "");
  reader.integer("aB", 0, -5, 5);
  reader.required("b").asNumber(0, 1);
  reader.duration("c", 0);
  reader.oneOf("d", MODES, 0);
  for (let i = 0; i < reader.length; i++) visit(reader.at(i), depth + 1);
  for (let i = reader.length; i >= -1; i--) reader.at(i).asBool();
}

/** Reads a list of routes and keeps nothing. */
export function routes(start: usize, length: i32): i32 {
  const config = ConfigReader.parse(start, length);
  const list = config.array("http");
  let sum: i64 = 0;
  for (let i = 0; i < list.length; i++) {
    const route = list.at(i);
    sum += route.integer("weight", 0) + route.array("match").at(0).object("uri").string("prefix", "").length;
  }
  return config.finish().length ? -1 : <i32>sum;
}

export function pages(): i32 {
  return memory.size();
}

/** The hash of a configuration. */
export function hash(start: usize, length: i32): string {
  return ConfigReader.parse(start, length).hash.toString();
}
