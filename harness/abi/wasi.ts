import type { Vm } from "../wasm/vm.ts";
import { nanoseconds } from "./logging.ts";

const Errno = {
  Success: 0,
  BadFile: 8,
  NotDirectory: 20,
  Fault: 21,
  Invalid: 28,
  NoEntry: 44,
  NoSystem: 52,
  NotSupported: 58,
};

const standardStream = (fd: number): number => (fd === 1 || fd === 2 ? Errno.Success : Errno.BadFile);

/** The WASI functions Envoy supplies: standard output and error go to the log, files do not exist. */
export function wasiFunctions(vm: Vm) {
  const { services } = vm;
  const memory = () => {
    vm.memory.refresh();
    return vm.memory;
  };
  const notSupported = () => Errno.NotSupported;
  const noSystem = () => Errno.NoSystem;

  return {
    fd_write: write,
    fd_pwrite: (fd: number, vectors: number, count: number, _offset: bigint, out: number) =>
      write(fd, vectors, count, out),
    fd_read: noSystem,
    fd_pread: noSystem,
    fd_seek: () => Errno.Success,
    fd_close: () => Errno.Success,
    fd_fdstat_get(fd: number, out: number) {
      if (standardStream(fd) !== Errno.Success) return Errno.BadFile;
      const at = out >>> 0;
      if (!memory().holds(at, 24)) return Errno.Success;
      memory().setU64(at, 0n);
      memory().setU64(at + 8, 64n);
      memory().setU64(at + 16, 0n);
      return Errno.Success;
    },
    fd_fdstat_set_flags: noSystem,
    fd_fdstat_set_rights: standardStream,
    fd_filestat_get: () => Errno.BadFile,
    fd_filestat_set_size: standardStream,
    fd_filestat_set_times: standardStream,
    fd_advise: () => Errno.Success,
    fd_allocate: standardStream,
    fd_datasync: standardStream,
    fd_sync: standardStream,
    fd_readdir: (_fd: number, _buffer: number, _size: number, _cookie: bigint, out: number) =>
      memory().setU32(out >>> 0, 0) ? Errno.NotDirectory : Errno.Fault,
    fd_renumber: (fd: number, to: number) =>
      standardStream(fd) === Errno.Success && standardStream(to) === Errno.Success ? Errno.NotSupported : Errno.BadFile,
    fd_tell(fd: number, out: number) {
      if (standardStream(fd) !== Errno.Success) return Errno.BadFile;
      return memory().setU64(out >>> 0, 0n) ? Errno.Success : Errno.Fault;
    },
    fd_prestat_get: () => Errno.BadFile,
    fd_prestat_dir_name: noSystem,
    path_open: () => Errno.NoEntry,
    path_filestat_get: notSupported,
    path_create_directory: notSupported,
    path_remove_directory: notSupported,
    path_unlink_file: notSupported,
    path_filestat_set_times: notSupported,
    path_link: notSupported,
    path_readlink: (_fd: number, _path: number, _pathSize: number, _out: number, _size: number, used: number) =>
      memory().setU32(used >>> 0, 0) ? Errno.NotSupported : Errno.Fault,
    path_rename: notSupported,
    path_symlink: notSupported,
    sock_accept: (_fd: number, _flags: number, out: number) =>
      memory().setU64(out >>> 0, 0n) ? Errno.NotSupported : Errno.Fault,
    sock_recv(_fd: number, _vectors: number, _count: number, _flags: number, size: number, flags: number) {
      if (!memory().setU32(size >>> 0, 0) || !memory().holds(flags >>> 0, 2)) return Errno.Fault;
      memory().view.setUint16(flags >>> 0, 0, true);
      return Errno.NotSupported;
    },
    sock_send: (_fd: number, _vectors: number, _count: number, _flags: number, size: number) =>
      memory().setU32(size >>> 0, 0) ? Errno.NotSupported : Errno.Fault,
    sock_shutdown: notSupported,
    random_get(out: number, size: number) {
      if (size >>> 0 > 65536) return Errno.Invalid;
      if (size === 0) return Errno.Success;
      if (!memory().holds(out >>> 0, size)) return Errno.Fault;
      services.random.fill(memory().bytes.subarray(out >>> 0, (out >>> 0) + size));
      return Errno.Success;
    },
    sched_yield: () => Errno.Success,
    poll_oneoff: (_in: number, _out: number, _count: number, events: number) =>
      !services.rules.hasLaterWasi ? Errno.NoSystem : memory().setU32(events >>> 0, 0) ? Errno.Success : Errno.Fault,
    clock_time_get(id: number, _precision: bigint, out: number) {
      if (id >>> 0 > 1) return Errno.NotSupported;
      return memory().setU64(out >>> 0, nanoseconds(services.clock.now())) ? Errno.Success : Errno.Fault;
    },
    clock_res_get(id: number, out: number) {
      if (id >>> 0 > 1) return Errno.NotSupported;
      return memory().setU64(out >>> 0, 1n) ? Errno.Success : Errno.Fault;
    },
    environ_sizes_get(countOut: number, sizeOut: number) {
      const entries = environment();
      const size = entries.reduce((sum, entry) => sum + entry.length, 0);
      return memory().setU32(countOut >>> 0, entries.length) && memory().setU32(sizeOut >>> 0, size)
        ? Errno.Success
        : Errno.Fault;
    },
    environ_get(pointersOut: number, bytesOut: number) {
      let pointer = pointersOut >>> 0;
      let at = bytesOut >>> 0;
      for (const entry of environment()) {
        if (!memory().setU32(pointer, at) || !memory().holds(at, entry.length)) return Errno.Fault;
        memory().writeText(at, entry);
        pointer += 4;
        at += entry.length;
      }
      return Errno.Success;
    },
    args_sizes_get: (countOut: number, sizeOut: number) =>
      memory().setU32(countOut >>> 0, 0) && memory().setU32(sizeOut >>> 0, 0) ? Errno.Success : Errno.Fault,
    args_get: () => Errno.Success,
    proc_exit: () => Errno.Success,
  };

  function environment(): string[] {
    return [...vm.options.environment].map(([name, value]) =>
      Buffer.from(`${name}=${value}\0`, "utf8").toString("latin1"),
    );
  }

  function write(fd: number, vectors: number, count: number, writtenOut: number): number {
    const context = vm.unrestrictedContext();
    if (fd !== 1 && fd !== 2) return Errno.BadFile;
    let text = "";
    for (let i = 0, at = vectors >>> 0; i < count >>> 0; i++, at += 8) {
      if (!vm.memory.holds(at, 8)) return Errno.Fault;
      const pointer = vm.memory.view.getUint32(at, true);
      const size = vm.memory.view.getUint32(at + 4, true);
      if (!vm.memory.holds(pointer, size)) return Errno.Fault;
      text += vm.memory.text(pointer, size);
    }
    if (text !== "") context.log(fd === 1 ? 2 : 4, text.endsWith("\n") ? text.slice(0, -1) : text);
    return vm.memory.setU32(writtenOut >>> 0, text.length) ? Errno.Success : Errno.Fault;
  }
}
