import { resetArena, takeScratch } from "./arena";

describe("scratch memory", () => {
  it("hands out aligned pieces that do not overlap, small or large", () => {
    resetArena();
    const sizes: usize[] = [1, 7, 8, 9, 4000, 1, 5000, 100000, 3, 300000, 1];
    const starts: usize[] = [];
    for (let index = 0; index < sizes.length; index++) {
      const start = takeScratch(sizes[index]);
      memory.fill(start, <u8>(index + 1), sizes[index]);
      starts.push(start);
      expect(start & 7).toBe(0);
    }
    for (let index = 0; index < sizes.length; index++) {
      expect(load<u8>(starts[index])).toBe(<u8>(index + 1));
      expect(load<u8>(starts[index] + sizes[index] - 1)).toBe(<u8>(index + 1));
    }
    resetArena();
  });

  it("is the same memory again after a reset, and does not grow", () => {
    for (let round = 0; round < 20; round++) {
      for (let piece = 0; piece < 50; piece++) takeScratch(1000);
      resetArena();
    }
    const pages = memory.size();
    const first = takeScratch(16);
    resetArena();
    for (let round = 0; round < 1000; round++) {
      for (let piece = 0; piece < 50; piece++) takeScratch(1000);
      resetArena();
    }
    expect(takeScratch(16)).toBe(first);
    expect(memory.size()).toBe(pages);
    resetArena();
  });

  it("does not hold a large block for good, even if it was the first", () => {
    takeScratch(6000000);
    resetArena();
    const pages = memory.size();
    for (let round = 0; round < 4; round++) {
      // Fits where the large block was, if that is free again.
      heap.free(heap.alloc(5900000));
    }
    expect(memory.size()).toBe(pages);
  });
});
