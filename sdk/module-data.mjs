/** The data of a module that is compiled, for parts of the transform. */

const PAGE_SIZE = 0x10000;

export function segmentsOf(module) {
  return Array.from({ length: module.getNumDataSegments() }, (_, index) => {
    const { offset, data, passive } = module.getDataSegmentInfo(module.getDataSegmentByIndex(index));
    return { offset, data: new Uint8Array(data), passive };
  });
}

/** Replaces the data, and makes the memory large enough for it. */
export function setSegments(module, segments) {
  const { initial, max = -1 } = module.getMemoryInfo();
  const pages = Math.max(initial, Math.ceil(endOf(segments) / PAGE_SIZE));
  const constant = (segment) => ({ ...segment, offset: module.i32.const(segment.offset) });
  module.setMemory(pages, max, null, segments.map(constant));
}

/** Where the last segment ends. */
export function endOf(segments) {
  return Math.max(0, ...segments.map(({ offset, data }) => offset + data.length));
}
