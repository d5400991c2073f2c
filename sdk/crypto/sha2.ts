import { Hash } from "./hash";
import { keep, kept } from "./keep";
import { Sha256 } from "./sha256";
import { Sha384, Sha512 } from "./sha512";

/** The one SHA-256 that keys share: whoever takes it uses it up to the digest at once. */
export function sharedSha256(): Hash {
  const slot = memory.data(4);
  const hash = kept<Hash>(slot);
  return hash !== null ? hash : keep<Hash>(slot, new Sha256());
}

/** As {@link sharedSha256}. */
export function sharedSha384(): Hash {
  const slot = memory.data(4);
  const hash = kept<Hash>(slot);
  return hash !== null ? hash : keep<Hash>(slot, new Sha384());
}

/** As {@link sharedSha256}. */
export function sharedSha512(): Hash {
  const slot = memory.data(4);
  const hash = kept<Hash>(slot);
  return hash !== null ? hash : keep<Hash>(slot, new Sha512());
}

/** The member of SHA-2 that is the first, second or third of each family of algorithms. */
export function sharedSha2(index: i32): Hash {
  return index == 0 ? sharedSha256() : index == 1 ? sharedSha384() : sharedSha512();
}

/** As {@link sharedSha2}, but one to keep. */
export function newSha2(index: i32): Hash {
  return index == 0 ? new Sha256() : index == 1 ? new Sha384() : new Sha512();
}
