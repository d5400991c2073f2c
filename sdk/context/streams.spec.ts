import { HttpFilter } from "./http-filter";
import { addStream, claimLocalReply, findStream, removeStream } from "./streams";

/** A filter that knows its stream, to be told apart from others. */
class Numbered extends HttpFilter {
  constructor(readonly id: u32) {
    super();
  }
}

function numberOf(id: u32): u32 {
  const filter = findStream<HttpFilter>(id);
  return filter === null ? 0 : changetype<Numbered>(filter).id;
}

function add(id: u32): void {
  addStream(id, new Numbered(id));
}

describe("the stream table", () => {
  it("finds each of 10,000 live streams, whatever order they end in", () => {
    for (let id: u32 = 1; id <= 10000; id++) add(id);
    let wrong = 0;
    for (let id: u32 = 1; id <= 10000; id++) wrong += i32(numberOf(id) != id);
    expect(wrong).toBe(0);
    // 7,919 is prime to 10,000, so this visits each once.
    for (let step: u32 = 0; step < 10000; step++) {
      const id = ((step * 7919) % 10000) + 1;
      wrong += i32(numberOf(id) != id);
      removeStream(id);
      wrong += i32(findStream<HttpFilter>(id) !== null);
    }
    expect(wrong).toBe(0);
  });

  it("keeps the rest intact while streams come and go, also where ids wrap around", () => {
    let wrong = 0;
    let random: u32 = 1;
    const first: u32 = 0xfffff000;
    for (let step: u32 = 0; step < 20000; step++) {
      add(first + step);
      random = random * 1664525 + 1013904223;
      const older = random >>> 25;
      if (older == 0 || step > older) removeStream(first + step - older);
      removeStream(first + step - 200);
      wrong += i32(numberOf(first + step) != (older == 0 ? 0 : first + step));
    }
    for (let id: u32 = 0; id < 20001; id++) removeStream(first + id);
    for (let id: u32 = 0; id < 20001; id++) wrong += i32(findStream<HttpFilter>(first + id) !== null);
    expect(wrong).toBe(0);
  });

  it("knows nothing of a stream that was never added or is gone", () => {
    expect(findStream<HttpFilter>(5) === null).toBe(true);
    removeStream(5);
    expect(claimLocalReply(5)).toBe(false);
  });

  it("grants one local reply to each stream, also to one that gets the place of another", () => {
    add(7);
    expect(claimLocalReply(7)).toBe(true);
    expect(claimLocalReply(7)).toBe(false);
    removeStream(7);
    add(7);
    expect(claimLocalReply(7)).toBe(true);
    removeStream(7);
  });

  it("remembers a local reply while the table grows", () => {
    add(1);
    expect(claimLocalReply(1)).toBe(true);
    for (let id: u32 = 2; id < 200; id++) add(id);
    expect(claimLocalReply(1)).toBe(false);
    expect(claimLocalReply(199)).toBe(true);
    for (let id: u32 = 1; id < 200; id++) removeStream(id);
  });
});
