import { resetArena } from "../memory/arena";
import { ByteView } from "../memory/byte-view";
import { CidrSet } from "./cidr-set";
import { IpAddress } from "./ip-address";

let buffer = new StaticArray<u8>(1024);
let set = new CidrSet();

export function input(size: i32): usize {
  resetArena();
  if (buffer.length < size) buffer = new StaticArray<u8>(size * 2);
  return changetype<usize>(buffer);
}

/** The canonical text, or null. */
export function canonical(start: usize, length: i32): string | null {
  __collect();
  const address = IpAddress.parse(ByteView.of(start, length));
  return address === null ? null : address.toString();
}

export function peer(start: usize, length: i32): string | null {
  __collect();
  const address = IpAddress.parsePeer(ByteView.of(start, length));
  return address === null ? null : address.toString();
}

export function clear(): void {
  set = new CidrSet();
}

export function add(start: usize, length: i32): bool {
  return set.add(ByteView.of(start, length));
}

/** Whether the set contains the address; -1 when it is none. */
export function contains(start: usize, length: i32): i32 {
  const address = IpAddress.parse(ByteView.of(start, length));
  return address === null ? -1 : i32(set.contains(address));
}

export function pages(): i32 {
  return memory.size();
}
