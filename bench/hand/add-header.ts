// What a careful author writes without any SDK: the floor of the add-header case.
// @ts-ignore: decorator
@external("env", "proxy_add_header_map_value")
declare function addHeader(map: i32, name: usize, nameSize: usize, value: usize, valueSize: usize): i32;

const name = memory.data<u8>([0x78, 0x2d, 0x62, 0x65, 0x6e, 0x63, 0x68]);
const value = memory.data<u8>([0x68, 0x65, 0x6c, 0x6c, 0x6f]);

export function proxy_abi_version_0_2_1(): void {}
export function proxy_on_memory_allocate(size: usize): usize {
  return heap.alloc(size);
}
export function proxy_on_context_create(id: u32, parent: u32): void {}
export function proxy_on_response_headers(id: u32, count: u32, endOfStream: u32): i32 {
  addHeader(2, name, 7, value, 5);
  return 0;
}
