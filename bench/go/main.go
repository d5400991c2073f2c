// Adds a header to each response, with no SDK: Go's own wasmimport and wasmexport.
package main

import "unsafe"

//go:wasmimport env proxy_add_header_map_value
func addHeader(mapType int32, name unsafe.Pointer, nameSize int32, value unsafe.Pointer, valueSize int32) int32

var (
	name  = []byte("x-bench")
	value = []byte("hello")
	held  [][]byte
)

//go:wasmexport proxy_abi_version_0_2_1
func abiVersion() {}

//go:wasmexport proxy_on_memory_allocate
func allocate(size int32) unsafe.Pointer {
	held = append(held, make([]byte, size))
	return unsafe.Pointer(unsafe.SliceData(held[len(held)-1]))
}

//go:wasmexport proxy_on_context_create
func contextCreate(id, parent int32) {}

//go:wasmexport proxy_on_response_headers
func responseHeaders(id, count, endOfStream int32) int32 {
	addHeader(2, unsafe.Pointer(&name[0]), int32(len(name)), unsafe.Pointer(&value[0]), int32(len(value)))
	held = nil
	return 0
}

func main() {}
