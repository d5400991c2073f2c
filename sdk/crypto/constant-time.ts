/** Whether `size` bytes at `a` and `b` are the same. The time depends on `size` alone, not on where they differ. */
export function constantTimeEquals(a: usize, b: usize, size: usize): bool {
  let difference: u32 = 0;
  for (let at: usize = 0; at < size; at++) difference |= load<u8>(a + at) ^ load<u8>(b + at);
  return difference == 0;
}
